// The special functions of the device math library are defined and valid PTX.
__global__ void special(double* d, float* f) {
    const int t = threadIdx.x;
    d[t] = erf(d[t]) + erfc(d[t]) + erfcx(d[t]) + erfinv(d[t]) + erfcinv(d[t]) + normcdf(d[t]) + normcdfinv(d[t]) + tgamma(d[t]) + lgamma(d[t]);
    f[t] = erff(f[t]) + erfcf(f[t]) + erfcxf(f[t]) + erfinvf(f[t]) + erfcinvf(f[t]) + normcdff(f[t]) + normcdfinvf(f[t]) + tgammaf(f[t]) +
           lgammaf(f[t]) + erfinv(f[t]) + normcdf(f[t]);
}
int main() {
    return 0;
}
