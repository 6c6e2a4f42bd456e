// Black-Scholes prices of European options: a work-item per option.
float normal(float d) {
    float k = 1.0f / (1.0f + 0.2316419f * fabs(d));
    float tail = 0.39894228f * exp(-0.5f * d * d) *
                 (k * (0.31938153f + k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
    return d > 0 ? 1.0f - tail : tail;
}

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void price(__global const float* spot, __global const float* strike,
                                                                     __global const float* years, __global float* call,
                                                                     __global float* put, float rate, float volatility, int n) {
    int i = get_global_id(0);
    if (i >= n) return;
    float s = spot[i], k = strike[i], t = years[i], root = sqrt(t);
    float d1 = (log(s / k) + (rate + 0.5f * volatility * volatility) * t) / (volatility * root), d2 = d1 - volatility * root;
    float n1 = normal(d1), n2 = normal(d2), discounted = k * exp(-rate * t);
    call[i] = s * n1 - discounted * n2;
    put[i] = discounted * (1.0f - n2) - s * (1.0f - n1);
}
