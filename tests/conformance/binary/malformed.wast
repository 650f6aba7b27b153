;; Bytes that are no component: cut short, with wrong headers, sections that do not add up, numbers
;; and names that are none, bytes that stand for nothing.

;; The smallest component, and one with custom sections.
(component binary "\00asm" "\0d\00\01\00")
(component binary "\00asm" "\0d\00\01\00" "\00\03\02hi" "\00\04\01x\ff\ff")

;; The header.
(assert_malformed (component binary "") "unexpected end")
(assert_malformed (component binary "\00") "unexpected end")
(assert_malformed (component binary "\00asm") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01") "unexpected end")
(assert_malformed (component binary "\01asm" "\0d\00\01\00") "magic header not detected")
(assert_malformed (component binary "asm\00" "\0d\00\01\00") "magic header not detected")
(assert_malformed (component binary "\00asm" "\0c\00\01\00") "unknown binary version")
(assert_malformed (component binary "\00asm" "\0e\00\01\00") "unknown binary version")
(assert_malformed (component binary "\00asm" "\0d\00\02\00") "unknown binary version")
(assert_malformed (component binary "\00asm" "\0d\00\01\01") "unknown binary version")
(assert_malformed (component binary "\00asm" "\00\00\00\00") "unknown binary version")

;; Sections.
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\0d\00") "malformed section id: 13")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\ff\00") "malformed section id")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\01") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\02\01") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\80\80\80\80\80\00") "integer representation too long")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\ff\ff\ff\ff\1f") "integer too large")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\ff\ff\ff\ff\0f") "unexpected end")
;; One type announced and none there; a type too many; bytes behind the last one.
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\01\01") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\03\01\7d\7d") "section size mismatch")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\02\00\7d") "section size mismatch")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\00\00") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\00\02\05x") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\00\03\02\ff\fe") "malformed UTF-8 encoding")

;; Nested modules and components end where they say.
(component binary "\00asm" "\0d\00\01\00" "\01\08\00asm\01\00\00\00" "\04\08\00asm\0d\00\01\00")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\01\04\00asm") "unexpected end")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\01\08\00asm\01\00\00") "ends early")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\01\08\00asm\0d\00\01\00")
  "expected a version header for a module")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\04\08\00asm\01\00\00\00")
  "expected a version header for a component")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\04\09\00asm\0d\00\01\00\07") "unexpected end")
;; A section of a component within a module, and of a module within a component.
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\01\0a\00asm\01\00\00\00\0e\00") "malformed section id: 14")

;; Types: the byte that says which, and what belongs to it.
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\02\01\3e") "invalid leading byte (0x3e)")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\02\01\00") "invalid leading byte (0x0)")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\02\01\60") "invalid leading byte (0x60)")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\03\01\70\60") "invalid leading byte")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\02\01\70") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\04\01\6a\02\00") "invalid leading byte")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\07\01\71\01\01a\02\00")
  "invalid leading byte (0x2)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\07\01\71\01\01a\00\01")
  "invalid leading byte (0x1) for zero byte required")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\05\01\40\00\02\00") "invalid leading byte (0x2)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\05\01\40\00\01\01") "invalid leading byte (0x1) for number of results")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\04\01\6d\01\01") "unexpected end")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\05\01\6d\01\01\ff") "malformed UTF-8 encoding")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\04\01\3f\7d\00") "resources can only be represented by")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\04\01\3f\7f\02") "invalid leading byte")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\04\01\42\01\05") "invalid leading byte (0x5)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\07\04\01\41\01\06") "invalid leading byte (0x6)")

;; Definitions.
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\02\03\01\02\00") "invalid leading byte (0x2)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\05\03\01\02\00") "invalid leading byte (0x2)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\06\05\01\06\00\00\00") "invalid leading byte (0x6)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\06\05\01\01\05\00\00") "invalid leading byte (0x5)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\08\02\01\7f") "invalid leading byte (0x7f)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\08\03\01\00\01") "invalid leading byte (0x1)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\08\06\01\01\00\00\01\7f") "invalid leading byte (0x7f)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\0a\06\01\03\01a\01\00") "invalid leading byte (0x3)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\0a\06\01\00\01a\06\00") "invalid leading byte (0x6)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\0a\06\01\00\01\ff\01\00") "malformed UTF-8 encoding")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\0a\06\01\00\05a\01\00") "unexpected end")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\0b\07\01\00\01a\01\00\02") "invalid leading byte (0x2)")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\0a\07\01\00\01a\03\02\00") "invalid leading byte (0x2)")

;; Core modules within.
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\01\0b\00asm\01\00\00\00\01\01\01") "unexpected end")
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00" "\01\0a\00asm\01\00\00\00\7f\00") "malformed section id: 127")
;; Function without code.
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00"
    "\01\12\00asm\01\00\00\00\01\04\01\60\00\00\03\02\01\00")
  "code section is absent")
;; Memories behind exports: out of order.
(assert_malformed
  (component binary "\00asm" "\0d\00\01\00"
    "\01\10\00asm\01\00\00\00\07\01\00\05\03\01\00\01")
  "section out of order")
