// A search box for one person (ARIA combobox with a list), fed by the people search of the server.

import { initials } from "./core/format.js";
import { gettext } from "./core/words.js";
import { avatar, el, find, setText, toggle } from "./dom.js";

const PAUSE_MS = 180;

export class PersonPicker {
  #timer = null;
  #request = null;
  #people = [];
  #active = -1;

  constructor(root, { searchUrl, onChoose }) {
    this.root = root;
    this.searchUrl = searchUrl;
    this.onChoose = onChoose;
    this.input = find("[role=combobox]", root);
    this.list = find("[role=listbox]", root);
    this.field = find("[data-picker-field]", root);
    this.chosen = find("[data-picker-chosen]", root);
    this.input.addEventListener("input", () => this.#searchSoon());
    this.input.addEventListener("focus", () => this.#search());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("blur", () => this.#close());
    this.change = find("[data-picker-change]", root);
    this.change.addEventListener("click", () => this.choose(null));
  }

  /** @param {{id: string, name: string}|null} person null: choose anew. */
  choose(person, { quiet = false } = {}) {
    toggle(this.field, !person);
    toggle(this.chosen, Boolean(person));
    if (person) {
      setText(find("[data-picker-name]", this.root), person.name);
      setText(find("[data-picker-initials]", this.root), initials(person.name));
    }
    this.#close();
    if (quiet) return;
    this.onChoose(person);
    if (person) {
      this.change.focus(); // the box that had the focus is gone
    } else {
      this.input.value = "";
      this.input.focus();
    }
  }

  #searchSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), PAUSE_MS);
  }

  async #search() {
    this.#request?.abort();
    this.#request = new AbortController();
    try {
      const address = `${this.searchUrl}?q=${encodeURIComponent(this.input.value.trim())}`;
      const response = await fetch(address, { signal: this.#request.signal, headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(String(response.status));
      this.#show((await response.json()).people);
    } catch (error) {
      if (error.name !== "AbortError") this.#say(gettext("The list of people could not be loaded. Try again."));
    }
  }

  #show(people) {
    this.#people = people;
    this.#active = people.length === 1 && this.input.value ? 0 : -1;
    if (!people.length) return this.#say(this.input.value ? gettext("Nobody with this name or ID.") : gettext("Nobody is enrolled yet."));
    this.list.replaceChildren(
      ...people.map((person, index) =>
        el(
          "li",
          {
            id: `claimed-option-${index}`,
            role: "option",
            "aria-selected": "false",
            // mousedown, not click: the input must not lose its focus (and the list) first
            mousedown: (event) => {
              event.preventDefault();
              this.choose(person);
            },
          },
          avatar(initials(person.name)),
          el("span", {}, person.name, person.external_id ? el("span", { class: "person__sub" }, person.external_id) : null),
        ),
      ),
    );
    this.#open();
    this.#mark();
  }

  #say(sentence) {
    this.#people = [];
    this.list.replaceChildren(el("li", { class: "picker__note", role: "option", "aria-disabled": "true" }, sentence));
    this.#open();
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      event.preventDefault();
      if (this.list.hidden) return void this.#search();
      const count = this.#people.length;
      if (count) this.#active = (this.#active + steps[event.key] + (this.#active < 0 && event.key === "ArrowUp" ? 1 : 0) + count) % count;
      this.#mark();
    } else if (event.key === "Enter" && this.#people[this.#active]) {
      event.preventDefault();
      this.choose(this.#people[this.#active]);
    } else if (event.key === "Escape") {
      this.#close();
    }
  }

  #mark() {
    [...this.list.children].forEach((option, index) => {
      const active = index === this.#active;
      option.setAttribute("aria-selected", String(active));
      if (active) option.scrollIntoView({ block: "nearest" });
    });
    if (this.#active >= 0) this.input.setAttribute("aria-activedescendant", `claimed-option-${this.#active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  #open() {
    toggle(this.list, document.activeElement === this.input);
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
  }

  #close() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    toggle(this.list, false);
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
