00000000001531b0 <_ZN12apropos_core5batch4near16nearness_shifted17hb0f8488be3b9af91E>:
movw   $0x0,-0x2(%rsp)
lea    -0x2(%rsp),%rax
vpbroadcastw -0x2(%rsp),%ymm1
mov    0x18(%rsi),%rax
movabs $0x7fffffffffffffff,%r8
cmp    %r8,%rax
cmovb  %rax,%r8
vmovq  %r8,%xmm2
vpbroadcastq %xmm2,%ymm2
mov    0x30(%rsi),%r9d
vpbroadcastd %xmm0,%ymm3
vpbroadcastd -0x142e48(%rip),%ymm4        # 103ac <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x11dc>
vpermd %ymm0,%ymm4,%ymm4
vpbroadcastd -0x142ed6(%rip),%ymm5        # 1032c <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x115c>
vpermd %ymm0,%ymm5,%ymm0
mov    (%rdi),%rax
mov    0x8(%rdi),%r8
mov    0x10(%rdi),%rdi
mov    0x2c(%rsi),%esi
and    $0x3f,%esi
vmovq  %rsi,%xmm5
vpbroadcastq %xmm5,%ymm5
vmovq  %r9,%xmm6
vpbroadcastq %xmm6,%ymm6
xor    %esi,%esi
vpbroadcastd -0x142ec3(%rip),%ymm7        # 10374 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x11a4>
vpbroadcastd -0x142f44(%rip),%ymm15        # 102fc <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x112c>
vpbroadcastd -0x142e35(%rip),%ymm8        # 10414 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x1244>
nopl   0x0(%rax)
vmovdqu (%rax,%rsi,4),%ymm10
vmovdqu 0x20(%rax,%rsi,4),%ymm9
vmovdqu (%r8,%rsi,4),%ymm11
vmovdqu (%rdi,%rsi,4),%ymm12
vpsubd %ymm4,%ymm11,%ymm11
vpmuldq %ymm11,%ymm11,%ymm13
vpsubd %ymm3,%ymm10,%ymm10
vpmuldq %ymm10,%ymm10,%ymm14
vpaddq %ymm13,%ymm14,%ymm13
vpsubd %ymm0,%ymm12,%ymm12
vpmuldq %ymm12,%ymm12,%ymm14
vpaddq %ymm14,%ymm13,%ymm13
vpsrlvq %ymm5,%ymm13,%ymm14
vpmuludq %ymm6,%ymm14,%ymm14
vpsrlq $0x20,%ymm14,%ymm14
vpshufd $0xf5,%ymm11,%ymm11
vpmuldq %ymm11,%ymm11,%ymm11
vpshufd $0xf5,%ymm10,%ymm10
vpmuldq %ymm10,%ymm10,%ymm10
vpaddq %ymm11,%ymm10,%ymm10
vpshufd $0xf5,%ymm12,%ymm11
vpmuldq %ymm11,%ymm11,%ymm11
vpaddq %ymm11,%ymm10,%ymm10
vpsrlvq %ymm5,%ymm10,%ymm11
vpmuludq %ymm6,%ymm11,%ymm11
vpblendd $0xaa,%ymm11,%ymm14,%ymm11
vpminud %ymm7,%ymm11,%ymm11
vcvtdq2ps %ymm11,%ymm12
vsqrtps %ymm12,%ymm12
vcvtps2dq %ymm12,%ymm12
vpmaddwd %ymm12,%ymm12,%ymm14
vpcmpgtd %ymm11,%ymm14,%ymm11
vmovdqu 0x20(%r8,%rsi,4),%ymm14
vpaddd %ymm11,%ymm12,%ymm11
vmovdqu 0x20(%rdi,%rsi,4),%ymm12
vpcmpgtq %ymm2,%ymm13,%ymm13
vpcmpgtq %ymm2,%ymm10,%ymm10
vpblendd $0xaa,%ymm10,%ymm13,%ymm10
vpsrld $0x11,%ymm10,%ymm10
vpor   %ymm10,%ymm11,%ymm10
vpsubd %ymm4,%ymm14,%ymm11
vpmuldq %ymm11,%ymm11,%ymm13
vpsubd %ymm3,%ymm9,%ymm9
vpmuldq %ymm9,%ymm9,%ymm14
vpaddq %ymm14,%ymm13,%ymm13
vpsubd %ymm0,%ymm12,%ymm12
vpmuldq %ymm12,%ymm12,%ymm14
vpaddq %ymm14,%ymm13,%ymm13
vpshufd $0xf5,%ymm11,%ymm11
vpmuldq %ymm11,%ymm11,%ymm11
vpshufd $0xf5,%ymm9,%ymm9
vpmuldq %ymm9,%ymm9,%ymm9
vpaddq %ymm9,%ymm11,%ymm9
vpcmpgtq %ymm2,%ymm13,%ymm11
vpshufd $0xf5,%ymm12,%ymm12
vpmuldq %ymm12,%ymm12,%ymm12
vpaddq %ymm12,%ymm9,%ymm9
vpcmpgtq %ymm2,%ymm9,%ymm12
vpsrlvq %ymm5,%ymm13,%ymm13
vpmuludq %ymm6,%ymm13,%ymm13
vpsrlq $0x20,%ymm13,%ymm13
vpsrlvq %ymm5,%ymm9,%ymm9
vpmuludq %ymm6,%ymm9,%ymm9
vpblendd $0xaa,%ymm9,%ymm13,%ymm9
vpminud %ymm7,%ymm9,%ymm9
vcvtdq2ps %ymm9,%ymm13
vsqrtps %ymm13,%ymm13
vpblendd $0xaa,%ymm12,%ymm11,%ymm11
vcvtps2dq %ymm13,%ymm12
vpmaddwd %ymm12,%ymm12,%ymm13
vpcmpgtd %ymm9,%ymm13,%ymm9
vpaddd %ymm9,%ymm12,%ymm9
vpsrld $0x11,%ymm11,%ymm11
vpor   %ymm11,%ymm9,%ymm9
vpackssdw %ymm9,%ymm10,%ymm9
vpermq $0xd8,%ymm9,%ymm9
vpmovsxbw (%rdx,%rsi,1),%ymm10
vpcmpgtw -0x143e64(%rip),%ymm9,%ymm11        # f580 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x3b0>
vpandn %ymm10,%ymm11,%ymm10
vpsllw $0x3,%ymm9,%ymm11
vpmulhuw -0x1438d7(%rip),%ymm11,%ymm12        # fb20 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x950>
vpaddw %ymm1,%ymm12,%ymm12
vpbroadcastd -0x143144(%rip),%ymm13        # 102c0 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x10f0>
vpsubw %ymm12,%ymm13,%ymm12
vpmulhuw %ymm11,%ymm12,%ymm12
vpaddw %ymm1,%ymm12,%ymm12
vpbroadcastd -0x1430ff(%rip),%ymm13        # 1031c <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x114c>
vpsubw %ymm12,%ymm13,%ymm12
vpmulhuw %ymm11,%ymm12,%ymm12
vpaddw %ymm1,%ymm12,%ymm12
vpbroadcastd -0x143032(%rip),%ymm13        # 10400 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x1230>
vpsubw %ymm12,%ymm13,%ymm12
vpmulhuw %ymm11,%ymm12,%ymm11
vpaddw %ymm1,%ymm11,%ymm11
vpmulhuw -0x143968(%rip),%ymm11,%ymm11        # fae0 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x910>
vpaddw %ymm1,%ymm11,%ymm11
vpmaxuw -0x143f15(%rip),%ymm9,%ymm12        # f540 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x370>
vpcmpeqw %ymm12,%ymm9,%ymm9
vpsubw %ymm11,%ymm15,%ymm12
vpsrlw $0x1,%ymm12,%ymm12
vpand  %ymm12,%ymm9,%ymm9
vpaddw %ymm9,%ymm11,%ymm9
vpsubw %ymm9,%ymm8,%ymm9
vpsrlw $0x2,%ymm9,%ymm9
vpand  %ymm9,%ymm10,%ymm9
vmovdqu %ymm9,(%rcx,%rsi,2)
add    $0x10,%rsi
cmp    $0x200,%rsi
jne    153250 <_ZN12apropos_core5batch4near16nearness_shifted17hb0f8488be3b9af91E+0xa0>
vzeroupper
ret
int3
int3
int3
int3
int3
int3
int3

00000000001534a0 <_ZN12apropos_core5batch4near16nearness_shifted17h700df504273c6855E>:
movw   $0x0,-0x2(%rsp)
lea    -0x2(%rsp),%rax
vpbroadcastw -0x2(%rsp),%ymm1
mov    0x18(%rsi),%rax
movabs $0x7fffffffffffffff,%r8
cmp    %r8,%rax
cmovb  %rax,%r8
vmovq  %r8,%xmm2
vpbroadcastq %xmm2,%ymm2
mov    0x30(%rsi),%r9d
vpbroadcastd %xmm0,%ymm3
vpbroadcastd -0x143138(%rip),%ymm4        # 103ac <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x11dc>
vpermd %ymm0,%ymm4,%ymm4
vpbroadcastd -0x1431c6(%rip),%ymm5        # 1032c <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x115c>
vpermd %ymm0,%ymm5,%ymm0
mov    (%rdi),%rax
mov    0x8(%rdi),%r8
mov    0x10(%rdi),%rdi
mov    0x28(%rsi),%esi
and    $0x3f,%esi
vmovq  %rsi,%xmm5
vpbroadcastq %xmm5,%ymm5
vmovq  %r9,%xmm6
vpbroadcastq %xmm6,%ymm6
xor    %esi,%esi
vpbroadcastd -0x1431b3(%rip),%ymm7        # 10374 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x11a4>
vpbroadcastd -0x143234(%rip),%ymm15        # 102fc <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x112c>
vpbroadcastd -0x143125(%rip),%ymm8        # 10414 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x1244>
nopl   0x0(%rax)
vmovdqu (%rax,%rsi,4),%ymm10
vmovdqu 0x20(%rax,%rsi,4),%ymm9
vmovdqu (%r8,%rsi,4),%ymm11
vmovdqu (%rdi,%rsi,4),%ymm12
vpsubd %ymm4,%ymm11,%ymm11
vpmuldq %ymm11,%ymm11,%ymm13
vpsubd %ymm3,%ymm10,%ymm10
vpmuldq %ymm10,%ymm10,%ymm14
vpaddq %ymm13,%ymm14,%ymm13
vpsubd %ymm0,%ymm12,%ymm12
vpmuldq %ymm12,%ymm12,%ymm14
vpaddq %ymm14,%ymm13,%ymm13
vpsllvq %ymm5,%ymm13,%ymm14
vpmuludq %ymm6,%ymm14,%ymm14
vpsrlq $0x20,%ymm14,%ymm14
vpshufd $0xf5,%ymm11,%ymm11
vpmuldq %ymm11,%ymm11,%ymm11
vpshufd $0xf5,%ymm10,%ymm10
vpmuldq %ymm10,%ymm10,%ymm10
vpaddq %ymm11,%ymm10,%ymm10
vpshufd $0xf5,%ymm12,%ymm11
vpmuldq %ymm11,%ymm11,%ymm11
vpaddq %ymm11,%ymm10,%ymm10
vpsllvq %ymm5,%ymm10,%ymm11
vpmuludq %ymm6,%ymm11,%ymm11
vpblendd $0xaa,%ymm11,%ymm14,%ymm11
vpminud %ymm7,%ymm11,%ymm11
vcvtdq2ps %ymm11,%ymm12
vsqrtps %ymm12,%ymm12
vcvtps2dq %ymm12,%ymm12
vpmaddwd %ymm12,%ymm12,%ymm14
vpcmpgtd %ymm11,%ymm14,%ymm11
vmovdqu 0x20(%r8,%rsi,4),%ymm14
vpaddd %ymm11,%ymm12,%ymm11
vmovdqu 0x20(%rdi,%rsi,4),%ymm12
vpcmpgtq %ymm2,%ymm13,%ymm13
vpcmpgtq %ymm2,%ymm10,%ymm10
vpblendd $0xaa,%ymm10,%ymm13,%ymm10
vpsrld $0x11,%ymm10,%ymm10
vpor   %ymm10,%ymm11,%ymm10
vpsubd %ymm4,%ymm14,%ymm11
vpmuldq %ymm11,%ymm11,%ymm13
vpsubd %ymm3,%ymm9,%ymm9
vpmuldq %ymm9,%ymm9,%ymm14
vpaddq %ymm14,%ymm13,%ymm13
vpsubd %ymm0,%ymm12,%ymm12
vpmuldq %ymm12,%ymm12,%ymm14
vpaddq %ymm14,%ymm13,%ymm13
vpshufd $0xf5,%ymm11,%ymm11
vpmuldq %ymm11,%ymm11,%ymm11
vpshufd $0xf5,%ymm9,%ymm9
vpmuldq %ymm9,%ymm9,%ymm9
vpaddq %ymm9,%ymm11,%ymm9
vpcmpgtq %ymm2,%ymm13,%ymm11
vpshufd $0xf5,%ymm12,%ymm12
vpmuldq %ymm12,%ymm12,%ymm12
vpaddq %ymm12,%ymm9,%ymm9
vpcmpgtq %ymm2,%ymm9,%ymm12
vpsllvq %ymm5,%ymm13,%ymm13
vpmuludq %ymm6,%ymm13,%ymm13
vpsrlq $0x20,%ymm13,%ymm13
vpsllvq %ymm5,%ymm9,%ymm9
vpmuludq %ymm6,%ymm9,%ymm9
vpblendd $0xaa,%ymm9,%ymm13,%ymm9
vpminud %ymm7,%ymm9,%ymm9
vcvtdq2ps %ymm9,%ymm13
vsqrtps %ymm13,%ymm13
vpblendd $0xaa,%ymm12,%ymm11,%ymm11
vcvtps2dq %ymm13,%ymm12
vpmaddwd %ymm12,%ymm12,%ymm13
vpcmpgtd %ymm9,%ymm13,%ymm9
vpaddd %ymm9,%ymm12,%ymm9
vpsrld $0x11,%ymm11,%ymm11
vpor   %ymm11,%ymm9,%ymm9
vpackssdw %ymm9,%ymm10,%ymm9
vpermq $0xd8,%ymm9,%ymm9
vpmovsxbw (%rdx,%rsi,1),%ymm10
vpcmpgtw -0x144154(%rip),%ymm9,%ymm11        # f580 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x3b0>
vpandn %ymm10,%ymm11,%ymm10
vpsllw $0x3,%ymm9,%ymm11
vpmulhuw -0x143bc7(%rip),%ymm11,%ymm12        # fb20 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x950>
vpaddw %ymm1,%ymm12,%ymm12
vpbroadcastd -0x143434(%rip),%ymm13        # 102c0 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x10f0>
vpsubw %ymm12,%ymm13,%ymm12
vpmulhuw %ymm11,%ymm12,%ymm12
vpaddw %ymm1,%ymm12,%ymm12
vpbroadcastd -0x1433ef(%rip),%ymm13        # 1031c <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x114c>
vpsubw %ymm12,%ymm13,%ymm12
vpmulhuw %ymm11,%ymm12,%ymm12
vpaddw %ymm1,%ymm12,%ymm12
vpbroadcastd -0x143322(%rip),%ymm13        # 10400 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x1230>
vpsubw %ymm12,%ymm13,%ymm12
vpmulhuw %ymm11,%ymm12,%ymm11
vpaddw %ymm1,%ymm11,%ymm11
vpmulhuw -0x143c58(%rip),%ymm11,%ymm11        # fae0 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x910>
vpaddw %ymm1,%ymm11,%ymm11
vpmaxuw -0x144205(%rip),%ymm9,%ymm12        # f540 <_ZN10serde_json3ser9Formatter17write_char_escape10HEX_DIGITS17h5d5b484063207fdaE+0x370>
vpcmpeqw %ymm12,%ymm9,%ymm9
vpsubw %ymm11,%ymm15,%ymm12
vpsrlw $0x1,%ymm12,%ymm12
vpand  %ymm12,%ymm9,%ymm9
vpaddw %ymm9,%ymm11,%ymm9
vpsubw %ymm9,%ymm8,%ymm9
vpsrlw $0x2,%ymm9,%ymm9
vpand  %ymm9,%ymm10,%ymm9
vmovdqu %ymm9,(%rcx,%rsi,2)
add    $0x10,%rsi
cmp    $0x200,%rsi
jne    153540 <_ZN12apropos_core5batch4near16nearness_shifted17h700df504273c6855E+0xa0>
vzeroupper
ret
int3
int3
int3
int3
int3
int3
int3

