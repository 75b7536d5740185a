// A part of the forms that opens and closes.
import type { ComponentChildren } from "preact";
import { Form, withField } from "../form";
import type { Json, Schema } from "../model";
import type { Session } from "../session";
import { at, fieldsOf, isFields, put, resourcesOf } from "../spec";
import { problemOf } from "./problem";

interface Props {
  session: Session;
  title: string;
  path: string[];
  schema: Schema | undefined;
  skip?: readonly string[];
  pipeline?: string;
  open?: boolean;
  /** Fields that have a control of their own; they come first. */
  children?: ComponentChildren;
}

/** A form over a mapping of the spec, which is made and taken away with its fields. */
export function Section(props: Props) {
  const { session, title, path, schema = {}, skip, pipeline, open = false, children } = props;
  const value = at(session.spec, path);
  const change = (key: string, next: Json | undefined): void => {
    const whole = path.length === 0 ? put(session.spec, [key], next) : undefined;
    session.edit(
      whole ?? put(session.spec, path, withField(value, key, next)),
      [...path, key].join("/"),
    );
  };
  return (
    <details class="mlb-section" open={open || isFields(value)}>
      <summary>{title}</summary>
      {children}
      <Form
        schema={schema}
        value={fieldsOf(value)}
        resources={pipeline === undefined ? [] : Object.keys(resourcesOf(session.spec, pipeline))}
        change={change}
        {...(skip ? { skip } : {})}
        problem={problemOf(session, path)}
        idPrefix={`mlb-${path.join("-")}`}
      />
    </details>
  );
}
