// The server `{{name}}`: a lamp with bulbs that can be dimmed.

import { Level, done, failed, listOf, log, ok, text, textOf } from "./abi";
export { cabi_realloc } from "./abi";

const BRIGHTEST: u32 = 100;
// Bytes that a bulb's name may have.
const NAME_MAX: usize = 64;

// The cases of the variant `error`.
enum Failure { Dark, TooBright }

class Bulb {
  percent: u32 = 0;
  constructor(public name: string) {}
}

// The bulbs of all clients, by the numbers that their handles stand for.
const bulbs = new Map<u32, Bulb>();
let next: u32 = 1;

@external("[export]atoll:samples/lamp@0.1.0", "[resource-new]bulb")
declare function newHandle(bulb: u32): i32;

export function start(): usize {
  log(Level.Info, "a lamp made in AssemblyScript");
  return done();
}

export function maker(): usize {
  return text("AssemblyScript");
}

export function blink(pattern: usize, length: usize): usize {
  const tenths = listOf(pattern, length).reduce<u32>((sum, flash) => sum + flash, 0);
  return tenths == 0 ? failed(Failure.Dark) : ok(tenths);
}

export function createBulb(name: usize, length: usize): i32 {
  const bulb = next++;
  bulbs.set(bulb, new Bulb(textOf(name, cut(name, length))));
  return newHandle(bulb);
}

// As many bytes of the text as fit, without cutting a letter of UTF-8 in two.
function cut(text: usize, length: usize): usize {
  if (length <= NAME_MAX) return length;
  length = NAME_MAX;
  while (length > 0 && (load<u8>(text + length) & 0xc0) == 0x80) length--;
  return length;
}

// Called when a client drops its bulb.
export function dropBulb(bulb: u32): void {
  bulbs.delete(bulb);
}

export function nameOfBulb(bulb: u32): usize {
  return text(bulbs.get(bulb).name);
}

export function setBulb(bulb: u32, percent: u32): usize {
  if (percent > BRIGHTEST) return failed(Failure.TooBright, percent - BRIGHTEST);
  const object = bulbs.get(bulb);
  const before = object.percent;
  object.percent = percent;
  return ok(before);
}

export function brightnessOfBulb(bulb: u32): u32 {
  return bulbs.get(bulb).percent;
}
