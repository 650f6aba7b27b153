## The server `{{name}}`: a lamp with bulbs that can be dimmed.

import wit

const
  brightest = 100'u32
  nameMax = 64 ## Bytes that a bulb's name may have.

type Bulb = ref object
  name: string
  percent: uint32

func cut(text: Text): string =
  ## As much of the text as fits, without cutting a letter of UTF-8 in two.
  var length = int(text.len)
  if length > nameMax:
    length = nameMax
    while length > 0 and (text.data[length] and 0xc0'u8) == 0x80'u8:
      dec length
  result = newString(length)
  for i in 0 ..< length:
    result[i] = char(text.data[i])

func bulbOf(handle: Handle): Bulb = cast[Bulb](handle)

proc NimMain() {.importc, cdecl.} ## Sets up what Nim needs itself.

{.push exportc: "exports_atoll_$1", cdecl.}

proc lifecycle_start_start(error: ptr Text): bool =
  NimMain()
  log("a lamp made in Nim")
  true

proc samples_lamp_maker(maker: ptr Text) =
  maker.put("Nim")

proc samples_lamp_blink(pattern: ptr Bytes, tenths: ptr uint32, error: ptr ErrorValue): bool =
  tenths[] = 0
  for i in 0 ..< int(pattern.len):
    tenths[] += uint32(pattern.data[i])
  free(pattern)
  error.tag = Dark
  tenths[] > 0

proc samples_lamp_constructor_bulb(name: ptr Text): OwnHandle =
  let bulb = Bulb(name: cut(name[]))
  free(name)
  GC_ref(bulb) # The client's handle keeps it.
  newHandle(cast[Handle](bulb))

proc samples_lamp_bulb_destructor(handle: Handle) =
  GC_unref(handle.bulbOf)

proc samples_lamp_method_bulb_name(handle: Handle, name: ptr Text) =
  name.put(handle.bulbOf.name)

proc samples_lamp_method_bulb_set(
    handle: Handle, percent: uint32, before: ptr uint32, error: ptr ErrorValue): bool =
  if percent > brightest:
    error.tag = TooBright
    error.tooBright = percent - brightest
    return false
  before[] = handle.bulbOf.percent
  handle.bulbOf.percent = percent
  true

proc samples_lamp_method_bulb_brightness(handle: Handle): uint32 =
  handle.bulbOf.percent

{.pop.}
