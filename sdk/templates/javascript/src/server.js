// The server `{{name}}`: a lamp with bulbs that can be dimmed.

import { write } from "atoll:log/log@0.1.0";

const BRIGHTEST = 100;
// Bytes that a bulb's name may have.
const NAME_MAX = 64;

// What is thrown becomes the error of a result: its payload.
class Failure extends Error {
  constructor(tag, val) {
    super(tag);
    this.payload = { tag, val };
  }
}

class Bulb {
  #name;
  #percent = 0;

  constructor(name) {
    this.#name = cut(name);
  }

  name() {
    return this.#name;
  }

  set(percent) {
    if (percent > BRIGHTEST) {
      throw new Failure("too-bright", percent - BRIGHTEST);
    }
    const before = this.#percent;
    this.#percent = percent;
    return before;
  }

  brightness() {
    return this.#percent;
  }
}

// As many letters as fit.
function cut(text) {
  let [bytes, end] = [0, 0];
  for (const letter of text) {
    bytes += bytesOf(letter.codePointAt(0));
    if (bytes > NAME_MAX) {
      break;
    }
    end += letter.length;
  }
  return text.slice(0, end);
}

// The length of a letter in UTF-8.
function bytesOf(code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

export const start = {
  start() {
    write("info", "a lamp made in JavaScript");
  },
};

export const lamp = {
  Bulb,

  maker() {
    return "JavaScript";
  },

  blink(pattern) {
    const tenths = pattern.reduce((sum, flash) => sum + flash, 0);
    if (tenths === 0) {
      throw new Failure("dark");
    }
    return tenths;
  },
};
