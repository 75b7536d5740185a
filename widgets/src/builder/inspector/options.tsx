// The options of what a name of the library stands for: its `with`.
import type { Session } from "../session";
import { Section } from "./section";

export function Options(props: {
  session: Session;
  path: string[];
  uses: string;
  pipeline: string;
}) {
  const { session, path, uses, pipeline } = props;
  return (
    <Section
      session={session}
      title="Options"
      path={[...path, "with"]}
      schema={session.library.get(uses)?.schema}
      pipeline={pipeline}
      open
    />
  );
}
