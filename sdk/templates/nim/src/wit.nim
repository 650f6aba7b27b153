## What the server uses of `build/bindings/server.h`. The C compiler checks it against that.

{.push header: "server.h".}

type
  Text* {.importc: "server_string_t".} = object
    data* {.importc: "ptr".}: ptr UncheckedArray[uint8]
    len*: csize_t
  Bytes* {.importc: "server_list_u8_t".} = object
    data* {.importc: "ptr".}: ptr UncheckedArray[uint8]
    len*: csize_t

  ErrorTag* {.importc: "uint8_t".} = uint8
  ErrorValue* {.importc: "exports_atoll_samples_lamp_error_t".} = object
    tag*: ErrorTag
    tooBright* {.importc: "val.too_bright".}: uint32

  ## What a handle of a client stands for.
  BulbObject* {.importc: "exports_atoll_samples_lamp_bulb_t", incompleteStruct.} = object
  Handle* {.importc: "exports_atoll_samples_lamp_borrow_bulb_t".} = ptr BulbObject
  OwnHandle* {.importc: "exports_atoll_samples_lamp_own_bulb_t".} = object

let
  Dark* {.importc: "EXPORTS_ATOLL_SAMPLES_LAMP_ERROR_DARK", nodecl.}: ErrorTag
  TooBright* {.importc: "EXPORTS_ATOLL_SAMPLES_LAMP_ERROR_TOO_BRIGHT", nodecl.}: ErrorTag
  Info* {.importc: "ATOLL_LOG_TYPES_LEVEL_INFO", nodecl.}: uint8

proc write*(level: uint8, text: ptr Text) {.importc: "atoll_log_log_write".}
proc newHandle*(bulb: ptr BulbObject): OwnHandle {.importc: "exports_atoll_samples_lamp_bulb_new".}
proc copy(to: ptr Text, text: cstring, len: csize_t) {.importc: "server_string_dup_n".}
proc free*(text: ptr Text) {.importc: "server_string_free".}
proc free*(list: ptr Bytes) {.importc: "server_list_u8_free".}

{.pop.}

proc put*(to: ptr Text, text: string) =
  ## Returns a text; who gets it frees it.
  copy(to, text.cstring, csize_t(text.len))

proc log*(text: string) =
  var entry: Text
  put(addr entry, text)
  write(Info, addr entry)
  free(addr entry)
