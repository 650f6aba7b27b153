;; Variants, enums, options and results: where the number of the case stands, how wide it is, and
;; which numbers are none.

(component definition $Cases
  (core module $m
    (memory (export "memory") 1)
    (func (export "same") (param i32) (result i32) (local.get 0))
    (func (export "two") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    (func (export "wide") (param i32 i64) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i64.store (i32.const 24) (local.get 1))
      (i32.const 16))
    (func (export "joined") (param i32 i64 i32) (result i64) (local.get 1))
    (func (export "padded") (param i32 i64 i32) (result i32) (local.get 2)))
  (core instance $i (instantiate $m))
  (type $e3 (enum "red" "green" "blue"))
  (export $enum3 "e3" (type $e3))
  (type $v3 (variant (case "none") (case "byte" u8) (case "word" u32)))
  (export $variant3 "v3" (type $v3))
  (type $vj (variant (case "long" u64) (case "float" f32) (case "pair" (tuple s8 u32)) (case "no")))
  (export $mixed "vj" (type $vj))
  (func (export "enum") (param "raw" u32) (result $enum3) (canon lift (core func $i "same")))
  (func (export "enum-number") (param "e" $enum3) (result u32) (canon lift (core func $i "same")))
  (func (export "enums") (param "raw" u32) (param "raw2" u32) (result (tuple $enum3 $enum3))
    (canon lift (core func $i "two") (memory (core memory $i "memory"))))
  (func (export "variant") (param "raw" u32) (param "payload" u32) (result $variant3)
    (canon lift (core func $i "two") (memory (core memory $i "memory"))))
  (func (export "option") (param "raw" u32) (param "payload" u32) (result (option u32))
    (canon lift (core func $i "two") (memory (core memory $i "memory"))))
  (func (export "option-wide") (param "raw" u32) (param "payload" u64) (result (option u64))
    (canon lift (core func $i "wide") (memory (core memory $i "memory"))))
  (func (export "result") (param "raw" u32) (param "payload" u32) (result (result u32 (error u8)))
    (canon lift (core func $i "two") (memory (core memory $i "memory"))))
  (func (export "empty-result") (param "raw" u32) (result (result))
    (canon lift (core func $i "same")))
  (func (export "result-number") (param "r" (result)) (result u32)
    (canon lift (core func $i "same")))
  ;; The registers of the cases are joined: an i64 for the first part of any payload, an i32 for the
  ;; second, and zeros where a case has none.
  (func (export "joined") (param "v" $mixed) (result u64) (canon lift (core func $i "joined")))
  (func (export "padded") (param "v" $mixed) (result u32) (canon lift (core func $i "padded"))))
(component instance $ok $Cases)

(assert_return (invoke $ok "enum" (u32.const 0)) (enum.const "red"))
(assert_return (invoke $ok "enum-number" (enum.const "red")) (u32.const 0))
(assert_return (invoke $ok "enum" (u32.const 1)) (enum.const "green"))
(assert_return (invoke $ok "enum-number" (enum.const "green")) (u32.const 1))
(assert_return (invoke $ok "enum" (u32.const 2)) (enum.const "blue"))
(assert_return (invoke $ok "enum-number" (enum.const "blue")) (u32.const 2))
(assert_return (invoke $ok "enums" (u32.const 0x102) (u32.const 0)) (tuple.const (enum.const "blue") (enum.const "green")))
(assert_return (invoke $ok "variant" (u32.const 0) (u32.const 9)) (variant.const "none"))
(assert_return (invoke $ok "variant" (u32.const 1) (u32.const 0x1ff)) (variant.const "byte" (u8.const 255)))
(assert_return (invoke $ok "variant" (u32.const 2) (u32.const 0xffffffff)) (variant.const "word" (u32.const 0xffffffff)))
;; In memory the number takes one byte; what stands behind it is padding.
(assert_return (invoke $ok "variant" (u32.const 0xffffff02) (u32.const 7)) (variant.const "word" (u32.const 7)))
(assert_return (invoke $ok "option" (u32.const 0) (u32.const 1)) (option.none))
(assert_return (invoke $ok "option" (u32.const 0xabcd01) (u32.const 1)) (option.some (u32.const 1)))
(assert_return (invoke $ok "option-wide" (u32.const 1) (u64.const 0xffffffffffffffff)) (option.some (u64.const 0xffffffffffffffff)))
(assert_return (invoke $ok "option-wide" (u32.const 0) (u64.const 5)) (option.none))
(assert_return (invoke $ok "result" (u32.const 0) (u32.const 70000)) (result.ok (u32.const 70000)))
(assert_return (invoke $ok "result" (u32.const 1) (u32.const 0x1234)) (result.err (u8.const 0x34)))
(assert_return (invoke $ok "empty-result" (u32.const 0)) (result.ok))
(assert_return (invoke $ok "empty-result" (u32.const 1)) (result.err))
(assert_return (invoke $ok "result-number" (result.ok)) (u32.const 0))
(assert_return (invoke $ok "result-number" (result.err)) (u32.const 1))
(assert_return (invoke $ok "joined" (variant.const "long" (u64.const 0x8000000000000001))) (u64.const 0x8000000000000001))
(assert_return (invoke $ok "joined" (variant.const "float" (f32.const -1))) (u64.const 0xbf800000))
(assert_return (invoke $ok "joined" (variant.const "pair" (tuple.const (s8.const -2) (u32.const 9)))) (u64.const 0xfffffffe))
(assert_return (invoke $ok "joined" (variant.const "no")) (u64.const 0))
(assert_return (invoke $ok "padded" (variant.const "pair" (tuple.const (s8.const -2) (u32.const 9)))) (u32.const 9))
(assert_return (invoke $ok "padded" (variant.const "no")) (u32.const 0))
(assert_return (invoke $ok "padded" (variant.const "long" (u64.const 0xffffffffffffffff))) (u32.const 0))
(assert_return (invoke $ok "padded" (variant.const "float" (f32.const 1))) (u32.const 0))

;; Numbers that stand for no case. In a register all 32 bits count.
(component instance $bad $Cases)
(assert_trap (invoke $bad "enum" (u32.const 0x3)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "enum" (u32.const 0x4)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "enum" (u32.const 0x100)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "enum" (u32.const 0x80000000)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "enum" (u32.const 0xffffffff)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "empty-result" (u32.const 0x2)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "empty-result" (u32.const 0x100)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "empty-result" (u32.const 0xffffffff)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "enums" (u32.const 0x300) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "enums" (u32.const 0x3) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "variant" (u32.const 0x3) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "variant" (u32.const 0xff) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "option" (u32.const 0x2) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "option" (u32.const 0x80) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "result" (u32.const 0x2) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "result" (u32.const 0xff) (u32.const 0)) "invalid discriminant")
(component instance $bad $Cases)
(assert_trap (invoke $bad "option-wide" (u32.const 2) (u64.const 0)) "invalid discriminant")

;; With 257 cases the number takes two bytes.
(component definition $Many
  (core module $m
    (memory (export "memory") 1)
    (func (export "store") (param i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.const 16))
    (func (export "same") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (type $e' (enum
    "n0" "n1" "n2" "n3" "n4" "n5" "n6" "n7" "n8" "n9" "n10" "n11" "n12" "n13" "n14" "n15"
    "n16" "n17" "n18" "n19" "n20" "n21" "n22" "n23" "n24" "n25" "n26" "n27" "n28" "n29" "n30" "n31"
    "n32" "n33" "n34" "n35" "n36" "n37" "n38" "n39" "n40" "n41" "n42" "n43" "n44" "n45" "n46" "n47"
    "n48" "n49" "n50" "n51" "n52" "n53" "n54" "n55" "n56" "n57" "n58" "n59" "n60" "n61" "n62" "n63"
    "n64" "n65" "n66" "n67" "n68" "n69" "n70" "n71" "n72" "n73" "n74" "n75" "n76" "n77" "n78" "n79"
    "n80" "n81" "n82" "n83" "n84" "n85" "n86" "n87" "n88" "n89" "n90" "n91" "n92" "n93" "n94" "n95"
    "n96" "n97" "n98" "n99" "n100" "n101" "n102" "n103" "n104" "n105" "n106" "n107" "n108" "n109" "n110" "n111"
    "n112" "n113" "n114" "n115" "n116" "n117" "n118" "n119" "n120" "n121" "n122" "n123" "n124" "n125" "n126" "n127"
    "n128" "n129" "n130" "n131" "n132" "n133" "n134" "n135" "n136" "n137" "n138" "n139" "n140" "n141" "n142" "n143"
    "n144" "n145" "n146" "n147" "n148" "n149" "n150" "n151" "n152" "n153" "n154" "n155" "n156" "n157" "n158" "n159"
    "n160" "n161" "n162" "n163" "n164" "n165" "n166" "n167" "n168" "n169" "n170" "n171" "n172" "n173" "n174" "n175"
    "n176" "n177" "n178" "n179" "n180" "n181" "n182" "n183" "n184" "n185" "n186" "n187" "n188" "n189" "n190" "n191"
    "n192" "n193" "n194" "n195" "n196" "n197" "n198" "n199" "n200" "n201" "n202" "n203" "n204" "n205" "n206" "n207"
    "n208" "n209" "n210" "n211" "n212" "n213" "n214" "n215" "n216" "n217" "n218" "n219" "n220" "n221" "n222" "n223"
    "n224" "n225" "n226" "n227" "n228" "n229" "n230" "n231" "n232" "n233" "n234" "n235" "n236" "n237" "n238" "n239"
    "n240" "n241" "n242" "n243" "n244" "n245" "n246" "n247" "n248" "n249" "n250" "n251" "n252" "n253" "n254" "n255"
    "n256"))
  (export $e "e" (type $e'))
  (func (export "one") (param "raw" u32) (result $e) (canon lift (core func $i "same")))
  (func (export "number") (param "e" $e) (result u32) (canon lift (core func $i "same")))
  (func (export "two") (param "raw" u32) (result (tuple $e $e))
    (canon lift (core func $i "store") (memory (core memory $i "memory")))))
(component instance $ok $Many)
(assert_return (invoke $ok "one" (u32.const 255)) (enum.const "n255"))
(assert_return (invoke $ok "one" (u32.const 256)) (enum.const "n256"))
(assert_return (invoke $ok "number" (enum.const "n256")) (u32.const 256))
(assert_return (invoke $ok "two" (u32.const 0x0100_00ff)) (tuple.const (enum.const "n255") (enum.const "n256")))
(component instance $bad $Many)
(assert_trap (invoke $bad "one" (u32.const 257)) "invalid discriminant")
(component instance $bad $Many)
(assert_trap (invoke $bad "two" (u32.const 0x0101_0000)) "invalid discriminant")
(component instance $bad $Many)
(assert_trap (invoke $bad "two" (u32.const 0x0000_ffff)) "invalid discriminant")
