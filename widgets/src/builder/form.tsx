// Forms made from JSON schemas. What may stand in a field is Python's to say: these only write it.
import { useEffect, useState } from "preact/hooks";
import { useDraft } from "./draft";
import type { Fields, Json, Schema } from "./model";
import { isFields } from "./spec";

interface Props {
  schema: Schema;
  value: Fields;
  /** Names of resources that a field may refer to. */
  resources: string[];
  change: (key: string, value: Json | undefined) => void;
  /** Fields that have a control of their own elsewhere. */
  skip?: readonly string[];
  problem: (key: string) => string;
  idPrefix: string;
}

/** A schema with its reference followed. */
export function resolved(schema: Schema, whole: Schema): Schema {
  const name = schema.$ref?.split("/").pop();
  return name === undefined ? schema : { ...whole.$defs?.[name], ...schema, $ref: undefined };
}

/** The alternatives of a schema without null: of most fields there is one. */
function alternatives(schema: Schema, whole: Schema): Schema[] {
  const found = schema.anyOf ?? schema.oneOf ?? [schema];
  return found.map((each) => resolved(each, whole)).filter(({ type }) => type !== "null");
}

export type Control = "text" | "number" | "boolean" | "choice" | "reference" | "numbers" | "json";

/** Which control writes a field best; JSON where nothing simpler does. */
export function controlOf(schema: Schema, whole: Schema): { control: Control; of: Schema } {
  const all = alternatives(resolved(schema, whole), whole);
  const [first = {}] = all;
  const values = all.flatMap((each) =>
    each.const !== undefined ? [each.const] : (each.enum ?? []),
  );
  if (values.length > 0 && all.every((each) => each.const !== undefined || each.enum)) {
    return { control: "choice", of: { ...first, enum: values } };
  }
  if (all.length > 1) return { control: "json", of: first };
  if (first.pattern?.startsWith("^\\$")) return { control: "reference", of: first };
  if (first.type === "boolean") return { control: "boolean", of: first };
  if (first.type === "integer" || first.type === "number") return { control: "number", of: first };
  if (first.type === "string") return { control: "text", of: first };
  const item = first.items ? resolved(first.items, whole) : {};
  if (first.type === "array" && (item.type === "integer" || item.type === "number")) {
    return { control: "numbers", of: first };
  }
  return { control: "json", of: first };
}

export function Form({ schema, value, resources, change, skip = [], problem, idPrefix }: Props) {
  const fields = Object.entries(schema.properties ?? {}).filter(([key]) => !skip.includes(key));
  if (fields.length === 0) return <p class="mlb-soft">It has no options.</p>;
  return (
    <div class="mlb-form">
      {fields.map(([key, field]) => (
        <Field
          key={key}
          name={key}
          id={`${idPrefix}-${key}`}
          schema={field}
          whole={schema}
          required={schema.required?.includes(key) ?? false}
          value={value[key]}
          resources={resources}
          problem={problem(key)}
          change={(next) => change(key, next)}
        />
      ))}
    </div>
  );
}

interface FieldProps {
  name: string;
  id: string;
  schema: Schema;
  whole: Schema;
  required: boolean;
  value: Json | undefined;
  resources: string[];
  problem: string;
  change: (value: Json | undefined) => void;
}

function Field({
  name,
  id,
  schema,
  whole,
  required,
  value,
  resources,
  problem,
  change,
}: FieldProps) {
  const { control, of } = controlOf(schema, whole);
  const description = plain(schema.description ?? of.description);
  const fallback = schema.default ?? of.default;
  const hint = fallback === undefined || fallback === null ? "" : told(fallback);
  const common = { id, "aria-label": name, "aria-invalid": problem !== "", title: description };
  return (
    <label class={`mlb-field${problem ? " mlb-wrong" : ""}`} for={id}>
      <span class="mlb-field-name">
        {name}
        {required && <sup title="it has to be given">•</sup>}
      </span>
      {control === "boolean" && (
        <select
          {...common}
          value={value === undefined ? "" : String(value)}
          onChange={(event) => change(parsedChoice(event.currentTarget.value, [true, false]))}
        >
          <option value="">{hint ? `${hint} (default)` : "default"}</option>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      )}
      {control === "choice" && (
        <select
          {...common}
          value={value === undefined ? "" : told(value)}
          onChange={(event) => change(parsedChoice(event.currentTarget.value, of.enum ?? []))}
        >
          <option value="">{hint ? `${hint} (default)` : required ? "choose" : "default"}</option>
          {(of.enum ?? []).map((each) => (
            <option key={told(each)} value={told(each)}>
              {told(each)}
            </option>
          ))}
        </select>
      )}
      {control === "reference" && (
        <select
          {...common}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => change(event.currentTarget.value || undefined)}
        >
          <option value="">{resources.length > 0 ? "none" : "no resources yet"}</option>
          {resources.map((each) => (
            <option key={each} value={`$${each}`}>{`$${each}`}</option>
          ))}
        </select>
      )}
      {control === "number" && (
        <NumberInput common={common} of={of} placeholder={hint} value={value} change={change} />
      )}
      {control === "text" && (
        <input
          {...common}
          type="text"
          placeholder={hint}
          value={typeof value === "string" ? value : ""}
          onInput={(event) =>
            change(event.currentTarget.value === "" ? undefined : event.currentTarget.value)
          }
        />
      )}
      {(control === "json" || control === "numbers") && (
        <JsonInput
          common={common}
          control={control}
          placeholder={hint}
          value={value}
          change={change}
        />
      )}
      {description && <span class="mlb-field-note">{description}</span>}
      {problem && <span class="mlb-field-problem">{problem}</span>}
    </label>
  );
}

interface InputProps {
  common: Record<string, unknown>;
  placeholder: string;
  value: Json | undefined;
  change: (value: Json | undefined) => void;
}

const meant = (text: string): string => (text === "" ? "" : told(Number(text)));

/** A number, read at each letter. */
function NumberInput({ common, of, placeholder, value, change }: InputProps & { of: Schema }) {
  const [text, setText] = useDraft(typeof value === "number" ? told(value) : "", meant);
  return (
    <input
      {...common}
      type="number"
      step={of.type === "integer" ? 1 : "any"}
      min={of.minimum ?? of.exclusiveMinimum}
      max={of.maximum ?? of.exclusiveMaximum}
      placeholder={placeholder}
      value={text}
      onInput={(event) => {
        const typed = event.currentTarget.value;
        setText(typed);
        change(typed === "" ? undefined : Number(typed));
      }}
    />
  );
}

/** JSON, or numbers with commas between them; what is not readable yet is kept as it is typed. */
function JsonInput(props: InputProps & { control: Control }) {
  const { common, control, placeholder, value, change } = props;
  const shown =
    value === undefined
      ? ""
      : control === "numbers" && Array.isArray(value)
        ? value.join(", ")
        : told(value);
  const [text, setText] = useDraft(shown);
  const [bad, setBad] = useState(false);
  useEffect(() => setBad(false), [shown]);
  return (
    <input
      {...common}
      type="text"
      class={bad ? "mlb-unread" : ""}
      placeholder={placeholder || (control === "numbers" ? "0, 1" : "JSON")}
      value={text}
      onInput={(event) => {
        setText(event.currentTarget.value);
        setBad(false);
      }}
      onChangeCapture={(event) => {
        // Not `onChange`: with preact/compat that is every letter.
        const typed = event.currentTarget.value.trim();
        const read =
          typed === "" ? undefined : parsed(control === "numbers" ? `[${typed}]` : typed);
        setBad(read === null && typed !== "null");
        if (read !== null || typed === "null") change(read ?? undefined);
      }}
    />
  );
}

/** A docstring's words without the marks around its code. */
export const plain = (text = ""): string => text.replaceAll("`", "");

/** A value as it stands in a field. */
export const told = (value: Json): string =>
  typeof value === "string" ? value : JSON.stringify(value);

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function parsedChoice(text: string, options: Json[]): Json | undefined {
  return options.find((each) => told(each) === text);
}

/** Fields of a mapping that may not be there; an empty one is taken away. */
export function withField(
  fields: Json | undefined,
  key: string,
  value: Json | undefined,
): Fields | undefined {
  const copy = { ...(isFields(fields) ? fields : {}) };
  if (value === undefined) delete copy[key];
  else copy[key] = value;
  return Object.keys(copy).length > 0 ? copy : undefined;
}
