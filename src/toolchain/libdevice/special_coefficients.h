// Written by fit_special.py: coefficients, highest power first, of polynomials in a variable mapped to [-1, 1].
#pragma once

#define ANYWARP_ERF_SMALL \
    -0x1.ac9585a44fe29p-42, \
    0x1.441790d9ce029p-37, \
    -0x1.bf8d5f9e609aap-33, \
    0x1.1ad510ec46413p-28, \
    -0x1.429e93ccd34ffp-24, \
    0x1.4866392f392acp-20, \
    -0x1.263991b80e1fcp-16, \
    0x1.c82aa249a98cfp-13, \
    -0x1.2b902b7b2f24ep-9, \
    0x1.454368017b0d5p-6, \
    -0x1.1fd16292151fdp-3, \
    0x1.ee51eb23cb7eap-1
#define ANYWARP_ERFCX \
    0x1.f460d0226d90ep-38, \
    0x1.81e85e798db9ap-33, \
    0x1.0ab137a99afb3p-34, \
    -0x1.0eea00b9e1c9ap-29, \
    -0x1.ca76e2e2d6176p-30, \
    0x1.bca0e632260ccp-27, \
    0x1.2821418e63ba9p-26, \
    -0x1.3a3bc18be6cf7p-24, \
    -0x1.1ef78ddfa5a06p-23, \
    0x1.d930e83ceec35p-22, \
    0x1.e93fce9d167bap-21, \
    -0x1.ac1bc88c73c53p-19, \
    -0x1.684caaf278db1p-18, \
    0x1.d57af0cac573dp-16, \
    0x1.f303d9a6dff51p-17, \
    -0x1.13183f7e855b3p-12, \
    0x1.8d2f17bb41428p-12, \
    0x1.aa53d2f32fc12p-10, \
    -0x1.45bcdcf5b1daep-7, \
    0x1.cb4ec01f06bcdp-6, \
    -0x1.a067a138e2346p-5, \
    0x1.ceabc961594fbp-5, \
    -0x1.1013fdf755aadp-7, \
    -0x1.00dca7a37e794p-3, \
    0x1.3c90c5fa9b6d5p+0
#define ANYWARP_GAMMA \
    0x1.6c3032e6c6f69p-35, \
    -0x1.1123e91f561a5p-33, \
    0x1.27e540fa0105ep-33, \
    -0x1.bbd59618e79efp-32, \
    0x1.f076f989ef310p-30, \
    -0x1.74558a9281aefp-28, \
    0x1.08a9773a0b118p-26, \
    -0x1.8cf2aff0a8622p-25, \
    0x1.2b48ecb68cfadp-23, \
    -0x1.c0c9137946e79p-22, \
    0x1.504d6f0e1fffep-20, \
    -0x1.f7fa735e7333ep-19, \
    0x1.7991e760184a3p-17, \
    -0x1.1a2c30f8def74p-15, \
    0x1.a752c67eb605dp-14, \
    -0x1.374fd5a85a843p-12, \
    0x1.e022b743d0702p-11, \
    -0x1.3d88cfe56716ep-9, \
    0x1.283bd374eadabp-7, \
    -0x1.b77ac1ca2dcabp-7, \
    0x1.a8c4dba620d58p-4, \
    0x1.08ea88ee5619cp-6, \
    0x1.c5bf891b4ef6bp-1
#define ANYWARP_LGAMMA_LOW \
    0x1.a85790f36515fp-30, \
    -0x1.b6711638930a0p-29, \
    -0x1.068eb79cd8cd2p-28, \
    0x1.0e301f15f2fddp-27, \
    0x1.02cbc573ffa34p-26, \
    -0x1.0c15fae534dc5p-25, \
    0x1.51919f54be70dp-27, \
    -0x1.695848015669ep-26, \
    0x1.cf4087deae471p-24, \
    -0x1.e7467ad3e614fp-23, \
    0x1.cda7ef5624bc7p-22, \
    -0x1.e9c40799c45ebp-21, \
    0x1.08485acad4aedp-19, \
    -0x1.1a76519d6c81fp-18, \
    0x1.2effd2f70517dp-17, \
    -0x1.4731645277895p-16, \
    0x1.639f6f18ab6bdp-15, \
    -0x1.857964eb96881p-14, \
    0x1.ae8a98762bd74p-13, \
    -0x1.e1824573ca784p-12, \
    0x1.115549e8ded84p-10, \
    -0x1.3cb1f9d69d76ap-9, \
    0x1.79cf9c4c54f6ap-8, \
    -0x1.d7a3e6a8ed18bp-7, \
    0x1.3e54520481edap-5, \
    -0x1.f6465978d46fep-4, \
    0x1.2788cfc6fb619p-1
#define ANYWARP_LGAMMA_HIGH \
    0x1.490ef0262b63dp-40, \
    -0x1.0087e31163d0fp-38, \
    0x1.4835d2fabc647p-38, \
    -0x1.01f3f0b840be5p-36, \
    0x1.151c784521c76p-34, \
    -0x1.b432bc888272fp-33, \
    0x1.4b04d366af283p-31, \
    -0x1.06180bec68023p-29, \
    0x1.a1e18803d51f7p-28, \
    -0x1.4d2f328712f17p-26, \
    0x1.0ac1d3350f4cbp-24, \
    -0x1.ad6b23afc368ep-23, \
    0x1.5bbdc1a2a5af3p-21, \
    -0x1.1bae14d741bdcp-19, \
    0x1.d3161b276e652p-18, \
    -0x1.85051a416ddd7p-16, \
    0x1.48f2d01f17571p-14, \
    -0x1.1be9fa46cdc68p-12, \
    0x1.f87c2efbec54ap-11, \
    -0x1.d406d784a006bp-9, \
    0x1.d1bf0ebc84adcp-7, \
    -0x1.07d3725b066f1p-4, \
    0x1.992dfc9539d9bp-2
