// MurmurHash3 (32 bits) of a 64-byte message mixed with a nonce.
static uint mix(uint hash, uint key) {
    key *= 0xcc9e2d51u;
    key = rotate(key, 15u);
    key *= 0x1b873593u;
    hash = rotate(hash ^ key, 13u);
    return hash * 5 + 0xe6546b64u;
}

static uint finish(uint hash, uint length) {
    hash ^= length;
    hash ^= hash >> 16, hash *= 0x85ebca6bu;
    hash ^= hash >> 13, hash *= 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void search(__constant uint* message, __global uint* hashes) {
    uint nonce = get_global_id(0), hash = nonce;
    for (uint i = 0; i < 16; ++i) hash = mix(hash, message[i] + nonce * (2 * i + 1));
    hashes[nonce] = finish(mix(hash, nonce), 4 * 16 + 4);
}
