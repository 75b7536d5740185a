// The benchmark as a whole: its name and seed, its stop rule, its study.
import type { Session } from "../session";
import { Head } from "./head";
import { Section } from "./section";

export function BenchmarkForms({ session }: { session: Session }) {
  const forms = session.model.get("forms");
  return (
    <>
      <Head>
        <b>Benchmark</b>
      </Head>
      <Section
        session={session}
        title="Name and seed"
        path={[]}
        schema={forms.benchmark}
        skip={["pipelines", "stop", "study", "timeouts", "limits", "telemetry"]}
        open
      />
      <Section session={session} title="Stop rule" path={["stop"]} schema={forms.stop} />
      <Section session={session} title="Study" path={["study"]} schema={forms.study} />
    </>
  );
}
