// The server `tally` in JavaScript.

import { write } from "atoll:log/log@0.1.0";

const LARGEST = 1_000_000_000;

// What the toolchain makes the error of a result.
class Failure extends Error {
  constructor(payload) {
    super(payload);
    this.payload = payload;
  }
}

const total = (bytes) => bytes.reduce((sum, byte) => sum + byte, 0);

class Account {
  #sum;

  constructor(start) {
    this.#sum = start;
  }

  add(data) {
    const sum = this.#sum + total(data);
    if (sum > LARGEST) {
      throw new Failure("overflow");
    }
    this.#sum = sum;
    return sum;
  }

  total() {
    return this.#sum;
  }
}

export const tally = {
  Account,

  language() {
    write("info", "JavaScript speaking");
    return "JavaScript";
  },

  sum(data) {
    if (data.length === 0) {
      throw new Failure("nothing to add");
    }
    return total(data);
  },

  parse(text) {
    const number = Number(text);
    if (!/^[0-9]+$/.test(text) || number > LARGEST) {
      throw new Failure(`not a number: ${text}`);
    }
    return number;
  },
};
