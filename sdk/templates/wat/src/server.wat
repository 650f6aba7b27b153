;; The server `{{name}}`: a lamp with bulbs that can be dimmed, as one core module.
;;
;; `atoll build` adds the types of the world to it and makes it a component. The names of imports
;; and exports and the ways of parameters and results are the canonical ABI's: texts and lists come
;; as address and length, a result that is not one number goes to memory, and its address is given.
;;
;; Memory:    0  texts
;;          256  the result of the present call
;;         1024  64 bulbs of 80 bytes: in use, percent, length of the name, nothing, the name
;;         8192  the arguments of the present call

(module
  (import "atoll:log/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
  ;; Makes a handle of which the number is given back with each call.
  (import "[export]atoll:samples/lamp@0.1.0" "[resource-new]bulb" (func $new-handle (param i32) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "a lamp made in WAT")
  (global $text i32 (i32.const 0))
  (global $text-length i32 (i32.const 18))
  ;; The last three bytes of the same text.
  (global $maker i32 (i32.const 15))
  (global $maker-length i32 (i32.const 3))
  (global $result i32 (i32.const 256))
  (global $bulbs i32 (i32.const 1024))
  (global $bulbs-end i32 (i32.const 6144))
  (global $bulb-size i32 (i32.const 80))
  (global $name-max i32 (i32.const 64))
  (global $brightest i32 (i32.const 100))
  (global $arguments i32 (i32.const 8192))
  ;; Where the next argument goes; every call begins at $arguments again.
  (global $next (mut i32) (i32.const 8192))

  ;; Gives memory for an argument that is about to come.
  (func (export "cabi_realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (if (i32.lt_u (local.get $end) (local.get $at)) (then unreachable))
    (loop $grow
      (if (i32.gt_u (local.get $end) (i32.mul (memory.size) (i32.const 65536)))
        (then
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
          (br $grow))))
    (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
    (global.set $next (local.get $end))
    (local.get $at))

  (func $forget-arguments
    (global.set $next (global.get $arguments)))

  ;; start: func() -> result<_, string>
  (func (export "atoll:lifecycle/start@0.1.0#start") (result i32)
    ;; 2 is `info`.
    (call $log (i32.const 2) (global.get $text) (global.get $text-length))
    (i32.store8 (global.get $result) (i32.const 0))
    (global.get $result))

  ;; maker: func() -> string
  (func (export "atoll:samples/lamp@0.1.0#maker") (result i32)
    (i32.store offset=0 (global.get $result) (global.get $maker))
    (i32.store offset=4 (global.get $result) (global.get $maker-length))
    (global.get $result))

  ;; blink: func(pattern: list<u8>) -> result<u32, error>
  (func (export "atoll:samples/lamp@0.1.0#blink") (param $pattern i32) (param $length i32) (result i32)
    (local $end i32) (local $tenths i32)
    (local.set $end (i32.add (local.get $pattern) (local.get $length)))
    (block $done
      (loop $flashes
        (br_if $done (i32.eq (local.get $pattern) (local.get $end)))
        (local.set $tenths (i32.add (local.get $tenths) (i32.load8_u (local.get $pattern))))
        (local.set $pattern (i32.add (local.get $pattern) (i32.const 1)))
        (br $flashes)))
    (call $forget-arguments)
    (if (i32.eqz (local.get $tenths))
      ;; 0 is `dark`.
      (then (return (call $error (i32.const 0) (i32.const 0)))))
    (call $ok (local.get $tenths)))

  ;; result<u32, error>: one byte that says which of the two, and at 4 the number ...
  (func $ok (param $value i32) (result i32)
    (i32.store8 (global.get $result) (i32.const 0))
    (i32.store offset=4 (global.get $result) (local.get $value))
    (global.get $result))

  ;; ... or one byte that says which error, and at 8 the number that belongs to it.
  (func $error (param $case i32) (param $value i32) (result i32)
    (i32.store8 (global.get $result) (i32.const 1))
    (i32.store8 offset=4 (global.get $result) (local.get $case))
    (i32.store offset=8 (global.get $result) (local.get $value))
    (global.get $result))

  ;; constructor(name: string)
  (func (export "atoll:samples/lamp@0.1.0#[constructor]bulb") (param $name i32) (param $length i32) (result i32)
    (local $bulb i32)
    (local.set $bulb (call $free-bulb))
    (i32.store offset=0 (local.get $bulb) (i32.const 1))
    (i32.store offset=4 (local.get $bulb) (i32.const 0))
    (local.set $length (call $cut (local.get $name) (local.get $length)))
    (i32.store offset=8 (local.get $bulb) (local.get $length))
    (memory.copy (i32.add (local.get $bulb) (i32.const 16)) (local.get $name) (local.get $length))
    (call $forget-arguments)
    (call $new-handle (local.get $bulb)))

  ;; The first bulb that is not in use. When there is none, the server traps and is restarted.
  (func $free-bulb (result i32)
    (local $bulb i32)
    (local.set $bulb (global.get $bulbs))
    (loop $search
      (if (i32.ge_u (local.get $bulb) (global.get $bulbs-end)) (then unreachable))
      (if (i32.eqz (i32.load (local.get $bulb))) (then (return (local.get $bulb))))
      (local.set $bulb (i32.add (local.get $bulb) (global.get $bulb-size)))
      (br $search))
    unreachable)

  ;; Bytes of a text that fit into a name, without cutting a letter of UTF-8 in two.
  (func $cut (param $name i32) (param $length i32) (result i32)
    (if (i32.le_u (local.get $length) (global.get $name-max)) (then (return (local.get $length))))
    (local.set $length (global.get $name-max))
    (loop $shorten
      (if (i32.eq
            (i32.and (i32.load8_u (i32.add (local.get $name) (local.get $length))) (i32.const 0xc0))
            (i32.const 0x80))
        (then
          (local.set $length (i32.sub (local.get $length) (i32.const 1)))
          (br $shorten))))
    (local.get $length))

  ;; Called when a client drops its bulb.
  (func (export "atoll:samples/lamp@0.1.0#[dtor]bulb") (param $bulb i32)
    (i32.store (local.get $bulb) (i32.const 0)))

  ;; name: func() -> string
  (func (export "atoll:samples/lamp@0.1.0#[method]bulb.name") (param $bulb i32) (result i32)
    (i32.store offset=0 (global.get $result) (i32.add (local.get $bulb) (i32.const 16)))
    (i32.store offset=4 (global.get $result) (i32.load offset=8 (local.get $bulb)))
    (global.get $result))

  ;; set: func(percent: u32) -> result<u32, error>
  (func (export "atoll:samples/lamp@0.1.0#[method]bulb.set") (param $bulb i32) (param $percent i32) (result i32)
    (local $before i32)
    (if (i32.gt_u (local.get $percent) (global.get $brightest))
      ;; 1 is `too-bright`.
      (then
        (return
          (call $error (i32.const 1) (i32.sub (local.get $percent) (global.get $brightest))))))
    (local.set $before (i32.load offset=4 (local.get $bulb)))
    (i32.store offset=4 (local.get $bulb) (local.get $percent))
    (call $ok (local.get $before)))

  ;; brightness: func() -> u32
  (func (export "atoll:samples/lamp@0.1.0#[method]bulb.brightness") (param $bulb i32) (result i32)
    (i32.load offset=4 (local.get $bulb))))
