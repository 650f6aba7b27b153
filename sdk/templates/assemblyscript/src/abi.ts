// How texts, lists and results are passed: the canonical ABI of the component model, which
// AssemblyScript has no bindings for. Arguments in memory belong to the function that gets them.

@external("atoll:log/log@0.1.0", "write")
declare function write(level: i32, text: usize, length: usize): void;

export enum Level { Error, Warn, Info, Debug, Trace }

export function log(level: Level, text: string): void {
  const bytes = String.UTF8.encode(text);
  write(level, changetype<usize>(bytes), bytes.byteLength);
}

// Whoever calls makes room for its arguments by this.
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  return old == 0 ? heap.alloc(size) : heap.realloc(old, size);
}

// What `throw` and failed assertions end in: the server traps and is restarted.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "aborted" : message;
  const where = file === null ? "" : ` (${file}:${line})`;
  log(Level.Error, what + where);
  unreachable();
}

export function listOf(at: usize, length: usize): Uint8Array {
  const list = new Uint8Array(<i32>length);
  memory.copy(list.dataStart, at, length);
  heap.free(at);
  return list;
}

export function textOf(at: usize, length: usize): string {
  const text = String.UTF8.decodeUnsafe(at, length);
  heap.free(at);
  return text;
}

// Results that do not fit a number are read from here, before the next call.
const area = memory.data(16);
let returned = new ArrayBuffer(0);

export function text(value: string): usize {
  returned = String.UTF8.encode(value);
  store<u32>(area, changetype<usize>(returned), 0);
  store<u32>(area, returned.byteLength, 4);
  return area;
}

// result<_, string>
export function done(): usize {
  store<u8>(area, 0);
  return area;
}

// result<u32, error>: one byte that says which of the two, and at 4 the number ...
export function ok(value: u32): usize {
  store<u8>(area, 0);
  store<u32>(area, value, 4);
  return area;
}

// ... or the case of the error, and at 8 the number that belongs to it.
export function failed(error: i32, value: u32 = 0): usize {
  store<u8>(area, 1);
  store<u8>(area, <u8>error, 4);
  store<u32>(area, value, 8);
  return area;
}
