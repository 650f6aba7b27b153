# Entry from the loaders: 32-bit protected mode, paging off, interrupts off, no stack.
#
# Multiboot2 (specification 2.0, section 3.3): EAX = magic, EBX = information structure.
# PVH (Xen, "x86/HVM direct boot ABI"): EBX = start information.
# Both leave flat 4 GiB segments. GRUB may have moved the image, so nothing here uses an absolute
# address: EBP holds where label `here` runs, everything else is a difference to it.

.set LINKED_AT, 0x100000

.section .text.entry, "ax"
.code32
.global multiboot2_entry
multiboot2_entry:
    mov %eax, %esi
    jmp start32

# The start information has its own magic number, so ESI can tell the two apart by it.
.global pvh_entry
pvh_entry:
    mov (%ebx), %esi

start32:
    cld
    cli
    # The second word of either structure serves as a stack for one call and is put back.
    mov 4(%ebx), %edi
    lea 8(%ebx), %esp
    call here
here:
    pop %ebp
    mov %edi, 4(%ebx)
    lea stack_end - here(%ebp), %esp

    # Long mode: CPUID leaf 0x8000_0001, EDX bit 29 (Intel SDM 3A, 10.8.5).
    push %ebx
    mov $0x80000000, %eax
    cpuid
    cmp $0x80000001, %eax
    jb no_long_mode
    mov $0x80000001, %eax
    cpuid
    test $(1 << 29), %edx
    jz no_long_mode
    pop %ebx

    # Identity map of the first 4 GiB in 2 MiB pages.
    lea directories - here(%ebp), %edi
    mov $0x83, %eax                 # present, writable, large
    mov $(4 * 512), %ecx
1:  mov %eax, (%edi)
    movl $0, 4(%edi)
    add $0x200000, %eax
    add $8, %edi
    dec %ecx
    jnz 1b
    lea pointers - here(%ebp), %edi
    lea directories - here(%ebp), %eax
    or $3, %eax
    mov $4, %ecx
1:  mov %eax, (%edi)
    add $0x1000, %eax
    add $8, %edi
    dec %ecx
    jnz 1b
    lea root - here(%ebp), %edi
    lea pointers - here(%ebp), %eax
    or $3, %eax
    mov %eax, (%edi)

    mov %cr4, %eax
    or $(1 << 5), %eax              # PAE
    mov %eax, %cr4
    mov %edi, %cr3
    mov $0xc0000080, %ecx           # EFER
    rdmsr
    or $(1 << 8), %eax              # LME
    wrmsr
    mov %cr0, %eax
    or $((1 << 31) | (1 << 16)), %eax   # PG, WP
    mov %eax, %cr0

    lea boot_gdt - here(%ebp), %eax
    mov %eax, boot_gdt_pointer + 2 - here(%ebp)
    lgdt boot_gdt_pointer - here(%ebp)
    lea start64 - here(%ebp), %eax
    push $0x28
    push %eax
    lret

no_long_mode:
    lea no_long_mode_text - here(%ebp), %esi
    mov $(no_long_mode_text_end - no_long_mode_text), %ecx
    mov $0x3f8, %dx
1:  lodsb
    out %al, %dx
    dec %ecx
    jnz 1b
2:  hlt
    jmp 2b
no_long_mode_text:
    .ascii "boot shim: cannot boot: this processor has no 64-bit mode\r\n"
no_long_mode_text_end:

.code64
start64:
    mov $0x30, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %eax, %fs
    mov %eax, %gs
    lea stack_end(%rip), %rsp

    # R_X86_64_RELATIVE, the only kind in a static image: word at base + offset = base + addend,
    # where base is what the image was moved by (System V ABI, AMD64, 4.4.1).
    lea __image_start(%rip), %r8
    sub $LINKED_AT, %r8
    lea __rela_start(%rip), %rax
    lea __rela_end(%rip), %rcx
1:  cmp %rcx, %rax
    jae 2f
    mov (%rax), %rdx
    mov 16(%rax), %r9
    add %r8, %r9
    mov %r9, (%rdx, %r8)
    add $24, %rax
    jmp 1b
2:
    mov %esi, %edi                  # magic number
    mov %ebx, %esi                  # information structure
    call shim_main
3:  hlt
    jmp 3b

# The GDT that the protocol asks for ("Machine state at entry"), used from the start.
.section .data.gdt, "aw"
.balign 8
.global boot_gdt
boot_gdt:
    .quad 0
    .quad 0x00009a000000ffff        # 0x08: 16-bit code
    .quad 0x000092000000ffff        # 0x10: 16-bit data
    .quad 0x00cf9a000000ffff        # 0x18: 32-bit code
    .quad 0x00cf92000000ffff        # 0x20: 32-bit data
    .quad 0x00209a0000000000        # 0x28: 64-bit code
    .quad 0x0000920000000000        # 0x30: 64-bit data
.global boot_gdt_end
boot_gdt_end:
boot_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .quad 0

.section .bss.entry, "aw", @nobits
.balign 4096
root:
    .skip 4096
pointers:
    .skip 4096
directories:
    .skip 4 * 4096
    .skip 256 * 1024             # several memory maps of 12 KiB lie on it at a time
stack_end:
