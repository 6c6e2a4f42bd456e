// The builtin library's bitcode as data.
    .section .rodata
    .globl anywarp_builtins_begin
    .hidden anywarp_builtins_begin
    .globl anywarp_builtins_end
    .hidden anywarp_builtins_end
    .balign 16
anywarp_builtins_begin:
    .incbin ANYWARP_BUILTINS_BITCODE
anywarp_builtins_end:
    .byte 0
    .section .note.GNU-stack,"",@progbits
