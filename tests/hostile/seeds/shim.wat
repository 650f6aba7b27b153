;; As wit-component makes them: a shim with a table, filled later, outer aliases, instance exports.
(component
  (type $list (list u8))
  (import "test:odd/sink@1.2.0" (instance $sink
    (alias outer 1 $list (type $list))
    (export "write" (func (param "data" $list) (result u32)))))
  (core module $shim
    (type $t (func (param i32 i32) (result i32)))
    (table (export "table") 1 1 funcref)
    (func (export "0") (type $t)
      (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0))))
  (core module $fixup
    (import "" "0" (func (param i32 i32) (result i32)))
    (import "" "table" (table 1 1 funcref))
    (elem (i32.const 0) func 0))
  (core module $main
    (import "sink" "write" (func $write (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (global $g (mut i32) (i32.const 3))
    (data (i32.const 8) "some bytes")
    (func (export "run") (result i32)
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (call $write (i32.const 8) (global.get $g))))
  (core instance $shim (instantiate $shim))
  (core instance $main (instantiate $main (with "sink" (instance
    (export "write" (func $shim "0"))))))
  (alias export $sink "write" (func $write))
  (core func $lowered (canon lower (func $write) (memory (core memory $main "memory"))))
  (core instance $fixed (instantiate $fixup (with "" (instance
    (export "0" (func $lowered)) (export "table" (table $shim "table"))))))
  (component $reexport
    (import "run" (func $run (result u32)))
    (export "run" (func $run)))
  (func $run (result u32) (canon lift (core func $main "run")))
  (instance $api (instantiate $reexport (with "run" (func $run))))
  (export "test:odd/api@0.2.0" (instance $api)))
