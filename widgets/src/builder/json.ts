// Plain data that is never changed: each change is a new value that shares what is the same.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}
export type Path = readonly (string | number)[];

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value as an object; an empty one where it is something else. */
export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** What is at a path; undefined where nothing is. */
export function at(value: Json | undefined, path: Path): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path) {
    if (Array.isArray(found)) found = found[Number(key)];
    else if (isObject(found) && Object.hasOwn(found, key)) found = found[String(key)];
    else return undefined;
  }
  return found;
}

/** The value with something else at a path; undefined takes the key away. */
export function put(value: Json | undefined, path: Path, leaf: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return leaf as Json;
  if (Array.isArray(value)) {
    return value.map((each, place) => (place === Number(key) ? put(each, rest, leaf) : each));
  }
  const before = objectOf(value);
  const name = String(key);
  if (rest.length === 0 && leaf === undefined) return without(before, name);
  return { ...before, [name]: put(own(before, name), rest, leaf) };
}

const own = (value: JsonObject, key: string) => (Object.hasOwn(value, key) ? value[key] : undefined);

export function without(value: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([each]) => each !== key));
}

/** The object with a key called otherwise, in the same place. */
export function rekey<Value>(value: Record<string, Value>, from: string, to: string) {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key === from ? to : key, each]),
  );
}

/** Whether two values say the same, in whatever order their keys stand. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, place) => same(each, other[place]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
}
