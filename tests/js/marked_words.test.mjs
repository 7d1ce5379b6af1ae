// Whatever a script says to people goes through gettext, as a plain literal that `make messages` finds.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";

const HERE = new URL("../../static/js/", import.meta.url);
const SCRIPTS = readdirSync(HERE, { recursive: true }).filter((name) => name.endsWith(".js"));

/** What nobody reads: names of keys and of kinds of things that are dragged, fonts, and errors for whoever writes scripts. */
const NAMES = ["Enter", "Escape", "Files"];
const UNHEARD = ["Error", "RangeError", "getItem", "querySelector", "querySelectorAll"];
const SPEAKS = ["gettext", "ngettext"];

/** The string literals of a script: {text, callee: the function that it is handed to at once, before: the code before it}. */
function literals(source) {
  const found = [];
  const calls = [];
  let at = 0;
  let code = "";
  const skipTo = (end, from) => {
    const there = source.indexOf(end, from);
    return there < 0 ? source.length : there;
  };
  while (at < source.length) {
    const here = source[at];
    if (source.startsWith("//", at)) at = skipTo("\n", at);
    else if (source.startsWith("/*", at)) at = skipTo("*/", at) + 2;
    else if (here === "/" && /[(,=:[!&|?{};]\s*$|return\s*$/.test(code)) {
      const [pattern] = /^\/(?:\[(?:\\.|[^\]])*\]|\\.|[^/\n])+\/\w*/.exec(source.slice(at));
      at += pattern.length;
      code += "0";
    } else if ("\"'`".includes(here)) {
      const [literal] = new RegExp(`^${here}(?:\\\\.|[^\\\\${here}])*${here}`, "s").exec(source.slice(at)); // no template holds another
      found.push({ text: literal.slice(1, -1), quote: here, callee: calls.at(-1) ?? "", before: code.slice(-200) });
      at += literal.length;
      code += '""';
    } else {
      if (here === "(") calls.push(/(\w+)\s*$/.exec(code)?.[1] ?? "");
      if (here === ")") calls.pop();
      code += here;
      at += 1;
    }
  }
  return found;
}

function isSaid({ text, callee, before, quote }) {
  if ([...SPEAKS, ...UNHEARD].includes(callee) || NAMES.includes(text) || /class:[^,}]*$/.test(before)) return false;
  if (quote === "`") {
    const said = text.replace(/\$\{[^}]*\}/g, "0");
    return /(^|[\s(])[A-Za-z]{3,} |[\w\s] [A-Za-z]{2,}[\s.:…]*$|^[A-Z][a-z]+\b/.test(said) && !/[#[=;/]|--|^M\d/.test(said);
  }
  return /^[A-Z][a-z]+([.…?!]|$)|^[A-Z]\S* \S.*[a-z]|[a-z]{2,}[.…?!]$|^[a-z]{3,}( [a-z]{2,})+$/.test(text) && !/^[#.@]|[<>[\]{}]/.test(text);
}

describe("Scripts", () => {
  const all = SCRIPTS.map((name) => [name, literals(readFileSync(new URL(name, HERE), "utf8"))]);

  it("say nothing that cannot be translated", () => {
    const unmarked = all.flatMap(([name, found]) => found.filter(isSaid).map(({ text }) => `${name}: ${text}`));
    assert.deepEqual(unmarked, []);
  });

  it("mark plain literals only", () => {
    const marked = all.flatMap(([name, found]) => found.filter(({ callee }) => SPEAKS.includes(callee)).map((one) => ({ name, ...one })));
    assert.ok(marked.length > 100);
    assert.deepEqual(marked.filter(({ quote, text }) => quote === "`" || !text).map(({ name, text }) => `${name}: ${text}`), []);
  });
});

describe("The search for words", () => {
  const said = (source) => literals(source).filter(isSaid).map(({ text }) => text);

  it("finds sentences, words and pieces of both", () => {
    assert.deepEqual(said('say("Hold still.")'), ["Hold still."]);
    assert.deepEqual(said('el("p", { class: "small muted" }, "comparison score")'), ["comparison score"]);
    assert.deepEqual(said("const label = `Camera ${number}`;"), ["Camera ${number}"]);
    assert.deepEqual(said("text = `${left} s left`;"), ["${left} s left"]);
    assert.deepEqual(said('setText(button, "Save");'), ["Save"]);
  });
  it("leaves marked words, classes, addresses and drawings alone", () => {
    const quiet = 'el("a", { class: "btn btn--small", href: `${base}not-this-person/` }, gettext("Not this person")); // "Not code."';
    assert.deepEqual(said(quiet), []);
    assert.deepEqual(said('find(`input[name=mode][value=${mode}]`); new Error("It has none."); path = `M${x} 32H12`;'), []);
  });
});
