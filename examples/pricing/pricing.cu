// Prices of stock options: the Black-Scholes formula for many European options, and Monte Carlo simulation of European and of Asian
// options, whose payoff depends on the average price along the way and which have no closed form.
//
// Random numbers come from Philox 4x32-10, a generator without state: the numbers of a path are a function of the path's index, so
// that threads share nothing and the host can simulate the same paths. (J. Salmon et al.: Parallel Random Numbers: As Easy as
// 1, 2, 3, 2011.)
//
// The arithmetic average is priced with the geometric one, which does have a closed form, as its control variate. (A. Kemna,
// A. Vorst: A Pricing Method for Options Based on Average Asset Values, 1990.)
#include "arguments.h"
#include "cuda_check.h"
#include "report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

using std::uint32_t;
using std::uint64_t;

constexpr unsigned kFullMask = 0xffffffffu;
constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;

struct Market {
    double spot, strike, rate, volatility, years;
};

// ------------------------------------------------------------------------------------------------------------- random numbers

struct Words {
    uint32_t word[4];
};

__host__ __device__ inline Words philox(Words counter, uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; ++round) {
        const uint64_t product0 = uint64_t(0xD2511F53u) * counter.word[0];
        const uint64_t product1 = uint64_t(0xCD9E8D57u) * counter.word[2];
        counter = {{uint32_t(product1 >> 32) ^ counter.word[1] ^ key0, uint32_t(product1), uint32_t(product0 >> 32) ^ counter.word[3] ^ key1,
                    uint32_t(product0)}};
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return counter;
}

enum Stream : uint32_t { kEuropean, kAsian, kMarkets };

// Which numbers: those of one path and one group of four steps.
__host__ __device__ inline Words random_words(uint64_t path, uint32_t group, Stream stream, uint32_t seed) {
    return philox({{uint32_t(path), uint32_t(path >> 32), group, uint32_t(stream)}}, seed, 0);
}

// 0 < result < 1, on a grid that float holds exactly: log() of it is finite.
__host__ __device__ inline float uniform(uint32_t word) { return (float(word >> 9) + 0.5f) * (1.0f / 8388608); }

// Box and Muller: two words make two independent normal numbers.
__device__ void normals(const Words& words, float (&normal)[4]) {
    for (int pair = 0; pair < 4; pair += 2) {
        const float radius = sqrtf(-2 * logf(uniform(words.word[pair])));
        float sine, cosine;
        sincospif(2 * uniform(words.word[pair + 1]), &sine, &cosine);
        normal[pair] = radius * cosine;
        normal[pair + 1] = radius * sine;
    }
}

static void normals_on_host(const Words& words, double (&normal)[4]) {
    for (int pair = 0; pair < 4; pair += 2) {
        const double radius = std::sqrt(-2 * std::log(double(uniform(words.word[pair]))));
        const double angle = 2 * M_PI * uniform(words.word[pair + 1]);
        normal[pair] = radius * std::cos(angle);
        normal[pair + 1] = radius * std::sin(angle);
    }
}

__global__ void philox_of(const Words* counters, const uint2* keys, Words* out, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = philox(counters[i], keys[i].x, keys[i].y);
}

// --------------------------------------------------------------------------------------------------------------- closed form

__global__ void black_scholes(const float* spots, const float* strikes, const float* years, float rate, float volatility, float* calls,
                              float* puts, int count) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        const float spread = volatility * sqrtf(years[i]);
        const float d1 = (logf(spots[i] / strikes[i]) + (rate + 0.5f * volatility * volatility) * years[i]) / spread;
        const float d2 = d1 - spread;
        const float discounted = strikes[i] * expf(-rate * years[i]);
        calls[i] = spots[i] * normcdff(d1) - discounted * normcdff(d2);
        puts[i] = discounted * normcdff(-d2) - spots[i] * normcdff(-d1);
    }
}

static double normal_cdf(double x) { return 0.5 * std::erfc(-x * M_SQRT1_2); }

static double call_on_host(const Market& market) {
    const double spread = market.volatility * std::sqrt(market.years);
    const double d1 = (std::log(market.spot / market.strike) + (market.rate + 0.5 * market.volatility * market.volatility) * market.years) / spread;
    return market.spot * normal_cdf(d1) - market.strike * std::exp(-market.rate * market.years) * normal_cdf(d1 - spread);
}

// The average is over `steps` prices, at the end of each step: its logarithm is normal.
static double geometric_call_on_host(const Market& market, int steps) {
    const double n = steps, variance = market.volatility * market.volatility;
    const double mean = std::log(market.spot) + (market.rate - 0.5 * variance) * market.years * (n + 1) / (2 * n);
    const double spread = std::sqrt(variance * market.years * (n + 1) * (2 * n + 1) / (6 * n * n));
    const double d2 = (mean - std::log(market.strike)) / spread;
    return std::exp(-market.rate * market.years) *
           (std::exp(mean + 0.5 * spread * spread) * normal_cdf(d2 + spread) - market.strike * normal_cdf(d2));
}

// --------------------------------------------------------------------------------------------------------------- Monte Carlo

// What is summed over the paths. A payoff is float, the sums are double: at 2^24 paths float would lose the small ones.
constexpr int kSums = 5;
enum Sum { kFirst, kFirstSquared, kSecond, kSecondSquared, kProduct };

// One set of sums per block, added up on the host.
__device__ void store_block_sums(double (&sums)[kSums], double* out) {
    __shared__ double warp_sums[kWarps][kSums];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int k = 0; k < kSums; ++k) {
        for (int step = 16; step > 0; step /= 2) sums[k] += __shfl_down_sync(kFullMask, sums[k], step);
        if (lane == 0) warp_sums[warp][k] = sums[k];
    }
    __syncthreads();
    if (threadIdx.x < kSums) {
        double sum = 0;
        for (int w = 0; w < kWarps; ++w) sum += warp_sums[w][threadIdx.x];
        out[blockIdx.x * kSums + threadIdx.x] = sum;
    }
}

__device__ void add_payoffs(double (&sums)[kSums], float first, float second) {
    sums[kFirst] += first;
    sums[kFirstSquared] += double(first) * first;
    sums[kSecond] += second;
    sums[kSecondSquared] += double(second) * second;
    sums[kProduct] += double(first) * second;
}

// First: call, second: put. The price at the end needs no steps on the way, so one group of four numbers serves four paths.
__global__ void simulate_european(float spot, float strike, float drift, float spread, uint64_t paths, uint32_t seed, double* out) {
    double sums[kSums] = {};
    for (uint64_t group = blockIdx.x * blockDim.x + threadIdx.x; group * 4 < paths; group += gridDim.x * blockDim.x) {
        float normal[4];
        normals(random_words(group, 0, kEuropean, seed), normal);
        for (int k = 0; k < 4; ++k) {
            if (group * 4 + k >= paths) break;
            const float end = spot * expf(drift + spread * normal[k]);
            add_payoffs(sums, fmaxf(end - strike, 0), fmaxf(strike - end, 0));
        }
    }
    store_block_sums(sums, out);
}

// First: call on the arithmetic average, second: on the geometric one. Drift and spread are those of a step.
__global__ void simulate_asian(float spot, float strike, float drift, float spread, int steps, uint64_t paths, uint32_t seed, double* out) {
    double sums[kSums] = {};
    for (uint64_t path = blockIdx.x * blockDim.x + threadIdx.x; path < paths; path += gridDim.x * blockDim.x) {
        float logarithm = 0, sum_of_logarithms = 0, sum_of_prices = 0; // all relative to the spot price
        for (int step = 0; step < steps; step += 4) {
            float normal[4];
            normals(random_words(path, step / 4, kAsian, seed), normal);
            for (int k = 0; k < 4 && step + k < steps; ++k) {
                logarithm += drift + spread * normal[k];
                sum_of_logarithms += logarithm;
                sum_of_prices += expf(logarithm);
            }
        }
        const float arithmetic = spot * (sum_of_prices / steps), geometric = spot * expf(sum_of_logarithms / steps);
        add_payoffs(sums, fmaxf(arithmetic - strike, 0), fmaxf(geometric - strike, 0));
    }
    store_block_sums(sums, out);
}

// The same paths in double, one after the other; the means of the payoffs.
static std::array<double, 2> simulate_asian_on_host(const Market& market, int steps, uint64_t paths, uint32_t seed) {
    const double step_years = market.years / steps, spread = market.volatility * std::sqrt(step_years);
    const double drift = (market.rate - 0.5 * market.volatility * market.volatility) * step_years;
    std::array<double, 2> means{};
    for (uint64_t path = 0; path < paths; ++path) {
        double logarithm = 0, sum_of_logarithms = 0, sum_of_prices = 0, normal[4];
        for (int step = 0; step < steps; ++step) {
            if (step % 4 == 0) normals_on_host(random_words(path, uint32_t(step / 4), kAsian, seed), normal);
            logarithm += drift + spread * normal[step % 4];
            sum_of_logarithms += logarithm;
            sum_of_prices += std::exp(logarithm);
        }
        means[0] += std::fmax(market.spot * sum_of_prices / steps - market.strike, 0) / double(paths);
        means[1] += std::fmax(market.spot * std::exp(sum_of_logarithms / steps) - market.strike, 0) / double(paths);
    }
    return means;
}

struct Estimate {
    double price, error; // the standard error of the mean
};

struct Moments {
    double mean[2], variance[2], covariance;
    double paths;

    Moments(const std::vector<double>& sums, uint64_t count) : paths(double(count)) {
        double total[kSums] = {};
        for (std::size_t i = 0; i < sums.size(); ++i) total[i % kSums] += sums[i];
        for (int k = 0; k < 2; ++k) {
            mean[k] = total[2 * k] / paths;
            variance[k] = total[2 * k + 1] / paths - mean[k] * mean[k];
        }
        covariance = total[kProduct] / paths - mean[0] * mean[1];
    }
    Estimate estimate(int k, double discount) const { return {discount * mean[k], discount * std::sqrt(variance[k] / paths)}; }
    // The first payoff, corrected by how far the second one's mean is from its known price.
    Estimate controlled(double discount, double second_price) const {
        const double slope = covariance / variance[1];
        const double left = std::fmax(variance[0] - slope * covariance, 0);
        return {discount * mean[0] - slope * (discount * mean[1] - second_price), discount * std::sqrt(left / paths)};
    }
};

static bool within_four_errors(const char* name, const Estimate& estimate, double price) {
    char text[200];
    std::snprintf(text, sizeof text, "%s: %.5f, closed form %.5f, %.2f standard errors away", name, estimate.price, price,
                  std::fabs(estimate.price - price) / estimate.error);
    return expect(estimate.error > 0 && std::fabs(estimate.price - price) <= 4 * estimate.error, text);
}

// -------------------------------------------------------------------------------------------------------------------------- main

// The generator's published answers (Random123, kat_vectors: philox 4x32 10).
static bool check_philox() {
    const std::vector<Words> counters = {{{0, 0, 0, 0}},
                                         {{0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}},
                                         {{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}};
    const std::vector<uint2> keys = {{0, 0}, {0xffffffffu, 0xffffffffu}, {0xa4093822u, 0x299f31d0u}};
    const Words expected[] = {{{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}},
                              {{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}},
                              {{0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u}}};
    const DeviceArray<Words> device_counters(counters);
    const DeviceArray<uint2> device_keys(keys);
    DeviceArray<Words> out(counters.size());
    philox_of<<<1, 32>>>(device_counters.data(), device_keys.data(), out.data(), int(counters.size()));
    CHECK_LAUNCH();
    const std::vector<Words> got = out.download();
    bool same = true;
    for (std::size_t i = 0; i < got.size(); ++i) {
        for (int k = 0; k < 4; ++k) same = same && got[i].word[k] == expected[i].word[k];
    }
    return expect(same, "Philox 4x32-10 gives its published answers");
}

static bool price_many(int count, const Market& market, uint32_t seed, bool check) {
    std::vector<float> spots(count), strikes(count), years(count);
    for (int i = 0; i < count; ++i) {
        const Words words = random_words(uint64_t(i), 0, kMarkets, seed);
        spots[i] = 5 + 95 * uniform(words.word[0]);
        strikes[i] = spots[i] * (0.5f + uniform(words.word[1]));
        years[i] = 0.1f + 9.9f * uniform(words.word[2]);
    }
    const DeviceArray<float> device_spots(spots), device_strikes(strikes), device_years(years);
    DeviceArray<float> calls(count), puts(count);
    const int blocks = std::min(1024, (count + kThreads - 1) / kThreads);
    double seconds = 0;
    for (int run = 0; run < 2; ++run) { // the first compiles and warms up
        DeviceTimer timer;
        timer.start();
        black_scholes<<<blocks, kThreads>>>(device_spots.data(), device_strikes.data(), device_years.data(), float(market.rate),
                                            float(market.volatility), calls.data(), puts.data(), count);
        CHECK_LAUNCH();
        seconds = timer.stop();
    }
    std::printf("Black-Scholes: %d calls and puts in %.3f ms, %.1f million options/s\n", count, seconds * 1e3, 2e-6 * count / seconds);
    if (!check) return true;

    // Prices are differences of two numbers of the spot's size, each with a few roundings of 6e-8 and the rounding of d1, where the
    // normal distribution's slope is at most 0.4: some 1e-6 of the spot price in all. Prices scaled by the spot, so the tolerance is
    // absolute.
    Comparison call_prices("calls", 0, 2e-6), put_prices("puts", 0, 2e-6), parity("put-call parity", 0, 2e-6);
    const std::vector<float> got_calls = calls.download(), got_puts = puts.download();
    for (int i = 0; i < count; ++i) {
        const double spot = spots[i];
        const Market one{spot, strikes[i], float(market.rate), float(market.volatility), years[i]};
        const double call = call_on_host(one), forward = spot - one.strike * std::exp(-one.rate * one.years);
        call_prices.add(got_calls[i] / spot, call / spot);
        put_prices.add(got_puts[i] / spot, (call - forward) / spot);
        parity.add((double(got_calls[i]) - got_puts[i]) / spot, forward / spot);
    }
    const bool passed = call_prices.report();
    return put_prices.report() & parity.report() & passed;
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Prices options in closed form and by simulation");
    const long long options = arguments.integer("options", 1000003, "options priced in closed form");
    const long long paths = arguments.integer("paths", 4000001, "paths of the European option");
    const long long asian_paths = arguments.integer("asian-paths", 200003, "paths of the Asian option");
    const int steps = int(arguments.integer("steps", 50, "prices in the Asian option's average"));
    const long long host_paths = arguments.integer("host-paths", 20011, "Asian paths that the host repeats");
    const uint32_t seed = uint32_t(arguments.integer("seed", 20, "seed of the generator"));
    Market market;
    market.spot = arguments.number("spot", 100, "price today");
    market.strike = arguments.number("strike", 105, "strike price");
    market.rate = arguments.number("rate", 0.03, "interest rate");
    market.volatility = arguments.number("volatility", 0.25, "volatility");
    market.years = arguments.number("years", 1, "time to expiry");
    const CommonOptions common = common_options(arguments, "");
    arguments.finish();
    if (options < 1 || options > 1 << 28 || paths < 2 || asian_paths < 2 || steps < 1 || host_paths < 1 ||
        !(market.spot > 0 && market.strike > 0 && market.volatility > 0 && market.years > 0)) {
        std::fprintf(stderr, "pricing: counts, prices, volatility and time must be positive, and paths at least 2\n");
        return 1;
    }
    if (!common.quiet) print_device();
    bool passed = !common.check || check_philox();
    passed = price_many(int(options), market, seed, common.check) && passed;

    const int blocks = 256;
    const double discount = std::exp(-market.rate * market.years), half_variance = 0.5 * market.volatility * market.volatility;
    DeviceArray<double> sums(blocks * kSums);
    DeviceTimer timer;
    const auto european = [&](uint64_t count) {
        simulate_european<<<blocks, kThreads>>>(float(market.spot), float(market.strike), float((market.rate - half_variance) * market.years),
                                                float(market.volatility * std::sqrt(market.years)), count, seed, sums.data());
        CHECK_LAUNCH();
    };
    const auto asian = [&](uint64_t count) {
        const double step = market.years / steps;
        simulate_asian<<<blocks, kThreads>>>(float(market.spot), float(market.strike), float((market.rate - half_variance) * step),
                                             float(market.volatility * std::sqrt(step)), steps, count, seed, sums.data());
        CHECK_LAUNCH();
    };

    european(2); // compiles and warms up
    timer.start();
    european(uint64_t(paths));
    double seconds = timer.stop();
    const Moments european_moments(sums.download(), uint64_t(paths));
    const Estimate call = european_moments.estimate(0, discount), put = european_moments.estimate(1, discount);
    std::printf("European: %lld paths in %.3f ms, %.1f million paths/s\n", paths, seconds * 1e3, double(paths) / seconds * 1e-6);
    std::printf("  call %.4f +- %.4f, put %.4f +- %.4f\n", call.price, call.error, put.price, put.error);

    asian(2);
    timer.start();
    asian(uint64_t(asian_paths));
    seconds = timer.stop();
    const Moments asian_moments(sums.download(), uint64_t(asian_paths));
    const double geometric_price = geometric_call_on_host(market, steps);
    const Estimate plain = asian_moments.estimate(0, discount), geometric = asian_moments.estimate(1, discount);
    const Estimate controlled = asian_moments.controlled(discount, geometric_price);
    std::printf("Asian: %lld paths of %d steps in %.3f ms, %.1f million steps/s\n", asian_paths, steps, seconds * 1e3,
                double(asian_paths) * steps / seconds * 1e-6);
    std::printf("  call on the average %.4f +- %.4f, with control variate %.5f +- %.5f\n", plain.price, plain.error, controlled.price,
                controlled.error);

    if (common.check) {
        const double call_price = call_on_host(market), forward = market.spot - market.strike * discount;
        passed = within_four_errors("European call", call, call_price) && passed;
        passed = within_four_errors("European put", put, call_price - forward) && passed;
        passed = within_four_errors("geometric Asian call", geometric, geometric_price) && passed;
        passed = expect(plain.price >= geometric.price, "the arithmetic average is worth more than the geometric one") && passed;

        // The same paths in float and in double: a path's price is off by some 1e-6 of itself, and the mean of the payoffs by less,
        // in units of the spot price.
        asian(uint64_t(host_paths));
        const Moments few(sums.download(), uint64_t(host_paths));
        const std::array<double, 2> expected = simulate_asian_on_host(market, steps, uint64_t(host_paths), seed);
        Comparison same_paths("Asian payoffs of the same paths on the host", 0, 1e-6);
        for (int k = 0; k < 2; ++k) same_paths.add(few.mean[k] / market.spot, expected[k] / market.spot);
        passed = same_paths.report() && passed;
    }
    return verdict("pricing", common.check, passed);
}
