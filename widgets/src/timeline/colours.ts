// Colours: of a pipeline what its figures have, of devices a row of hues; both on light and dark.
import { owner, type Scene, type Series } from "./scene";

/** What the lanes are drawn with, as the page's theme has it now. */
export interface Theme {
  dark: boolean;
  ink: string;
  soft: string;
  rule: string;
  ground: string;
  bad: string;
  font: string;
}

export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element);
  const read = (name: string, otherwise: string) =>
    style.getPropertyValue(name).trim() || otherwise;
  return {
    dark: document.body.dataset.jpThemeLight === "false",
    ink: read("--jp-ui-font-color1", "#212121"),
    soft: read("--jp-ui-font-color2", "#616161"),
    rule: read("--mlt-rule", "rgba(128,128,128,0.18)"),
    ground: read("--jp-layout-color1", "#ffffff"),
    bad: read("--jp-error-color1", "#d32f2f"),
    font: `11px ${read("--jp-ui-font-family", "system-ui, sans-serif")}`,
  };
}

/** A colour that was chosen for a light ground, on a dark one: half way to white. */
export function onGround(colour: string, dark: boolean): string {
  if (!dark || !/^#[0-9a-f]{6}$/i.test(colour)) return colour;
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const light = parts.map((part) => Math.round(part + (255 - part) * 0.45));
  return `#${light.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** The colour with an opacity between 0 and 1. */
export function faint(colour: string, opacity: number): string {
  if (/^#[0-9a-f]{6}$/i.test(colour)) {
    return `${colour}${Math.round(opacity * 255)
      .toString(16)
      .padStart(2, "0")}`;
  }
  return colour.replace(/^hsl\((.*)\)$/, `hsl($1 / ${opacity})`);
}

/** The colour of each owner of a series: a pipeline's own, hues for devices, grey for the machine. */
export function coloursOf(scene: Scene, dark: boolean): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, colour } of scene.pipelines) found.set(name, onGround(colour, dark));
  const devices = new Map<string, string[]>();
  for (const series of scene.lanes.flatMap((lane) => lane.series)) {
    const name = owner(series);
    if (found.has(name)) continue;
    const kind = name.replace(/\d.*$/, "");
    const others = devices.get(kind) ?? [];
    if (!others.includes(name)) others.push(name);
    devices.set(kind, others);
  }
  for (const names of devices.values()) {
    names.sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
    names.forEach((name, place) => {
      found.set(name, hue(place, names.length, dark));
    });
  }
  found.set("machine", dark ? "#b0b6bd" : "#5a6570");
  return found;
}

/** From teal over blue to magenta, evenly apart; lightness alternates, so neighbours differ. */
function hue(place: number, count: number, dark: boolean): string {
  const turn = count === 1 ? 0.3 : place / (count - 1);
  const lightness = (dark ? 64 : 40) + (place % 2 ? 9 : 0);
  return `hsl(${Math.round(182 + 138 * turn)} ${dark ? 52 : 55}% ${lightness}%)`;
}

export const colourOf = (colours: Map<string, string>, series: Series): string =>
  colours.get(owner(series)) ?? "#808080";
