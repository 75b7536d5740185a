// What is typed into a field and not read yet: no answer of Python's takes it back.
import { useEffect, useState } from "preact/hooks";

const itself = (text: string): string => text;

/**
 * The text of a field, and how to change it. It follows what is `shown`, unless what was typed
 * means that already, as "0.0" means 0 on the way to 0.05.
 */
export function useDraft(shown: string, meant = itself): [string, (text: string) => void] {
  const [text, setText] = useState(shown);
  useEffect(() => {
    if (meant(text) !== shown) setText(shown);
  }, [shown]);
  return [text, setText];
}
