// Trains a small neural network to read handwritten digits: 64 pixels, a hidden layer with tanh, 10 outputs with softmax and
// cross-entropy, Adam. Forward, backward and update run in kernels written here; the host only chooses the order of the pictures.
//
// The check repeats the training on the host in double, from the same start and in the same order, and compares the loss of each
// epoch. The data are real: see data/README.md for their source and licence.
#include "arguments.h"
#include "cuda_check.h"
#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

constexpr unsigned kFullMask = 0xffffffffu;
constexpr int kInputs = 64, kOutputs = 10, kTile = 16;

// One matrix product for all layers: c = a b, where a and b may be read transposed, plus a bias per column and tanh if wanted.
// c is rows x columns, the inner size is `depth`; all row after row.
template <bool kTransposeA, bool kTransposeB, bool kTanh>
__global__ void product(const float* a, const float* b, const float* bias, float* c, int rows, int columns, int depth) {
    __shared__ float tile_a[kTile][kTile + 1], tile_b[kTile][kTile + 1];
    const int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
    float sum = 0;
    for (int first = 0; first < depth; first += kTile) {
        const int ka = first + threadIdx.x, kb = first + threadIdx.y;
        tile_a[threadIdx.y][threadIdx.x] = row < rows && ka < depth ? a[kTransposeA ? ka * rows + row : row * depth + ka] : 0;
        tile_b[threadIdx.y][threadIdx.x] = column < columns && kb < depth ? b[kTransposeB ? column * depth + kb : kb * columns + column] : 0;
        __syncthreads();
        for (int k = 0; k < kTile; ++k) sum += tile_a[threadIdx.y][k] * tile_b[k][threadIdx.x];
        __syncthreads();
    }
    if (row >= rows || column >= columns) return;
    if (bias) sum += bias[column];
    c[row * columns + column] = kTanh ? tanhf(sum) : sum;
}

__global__ void gather(const float* pictures, const int* labels, const int* order, float* batch, int* batch_labels) {
    const int picture = order[blockIdx.x];
    batch[blockIdx.x * kInputs + threadIdx.x] = pictures[picture * kInputs + threadIdx.x];
    if (threadIdx.x == 0) batch_labels[blockIdx.x] = labels[picture];
}

// A warp per picture: scores become the loss's gradient (probability minus truth, over the batch), losses are stored.
__global__ void softmax(float* scores, const int* labels, float* losses, int* hits, int batch) {
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= batch) return;
    const float score = lane < kOutputs ? scores[row * kOutputs + lane] : -INFINITY;
    float largest = score;
    for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(kFullMask, largest, step));
    const float power = lane < kOutputs ? expf(score - largest) : 0;
    float sum = power;
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kFullMask, sum, step);
    const int label = labels[row];
    if (lane < kOutputs) scores[row * kOutputs + lane] = (power / sum - (lane == label ? 1.0f : 0.0f)) / batch;
    const int best = __ffs(__ballot_sync(kFullMask, score == largest)) - 1;
    if (lane == label) losses[row] = logf(sum) - (score - largest);
    if (lane == 0) hits[row] = best == label;
}

__global__ void through_tanh(float* gradient, const float* hidden, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) gradient[i] *= 1 - hidden[i] * hidden[i];
}

__global__ void sum_rows(const float* gradient, float* out, int rows, int columns) {
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns) return;
    float sum = 0;
    for (int row = 0; row < rows; ++row) sum += gradient[row * columns + column];
    out[column] = sum;
}

// (D. Kingma, J. Ba: Adam, 2015.) The corrections are those of the first and second moment at this step.
__global__ void adam(float* weights, const float* gradient, float* first, float* second, int count, float rate, float correct1, float correct2) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    first[i] = 0.9f * first[i] + 0.1f * gradient[i];
    second[i] = 0.999f * second[i] + 0.001f * gradient[i] * gradient[i];
    weights[i] -= rate * (first[i] / correct1) / (sqrtf(second[i] / correct2) + 1e-6f);
}

// All parameters lie in one array: weights and biases of the hidden layer, then of the output layer.
struct Layout {
    int hidden;
    int bias1() const { return kInputs * hidden; }
    int weights2() const { return bias1() + hidden; }
    int bias2() const { return weights2() + hidden * kOutputs; }
    int size() const { return bias2() + kOutputs; }
};

struct Data {
    std::vector<float> pictures;
    std::vector<int> labels;
    int count() const { return int(labels.size()); }
};

static bool read_digits(const std::string& path, Data& data) {
    std::ifstream in(path);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        std::istringstream words(line);
        for (int k = 0; k <= kInputs; ++k) {
            int value;
            char comma;
            const bool read = bool(words >> value) && (k == kInputs || (words >> comma && comma == ','));
            if (!read || value < 0 || value > (k < kInputs ? 16 : 9)) {
                std::fprintf(stderr, "neural: %s: line %d: field %d is not 64 pixels of 0 to 16 and a digit\n", path.c_str(), number, k + 1);
                return false;
            }
            if (k < kInputs) data.pictures.push_back(float(value) / 16);
            else data.labels.push_back(value);
        }
    }
    if (data.labels.empty()) std::fprintf(stderr, "neural: %s: no digits to read\n", path.c_str());
    return !data.labels.empty();
}

class DeviceNetwork {
public:
    DeviceNetwork(const Data& data, const std::vector<float>& start, Layout layout, int most)
        : layout_(layout), pictures_(data.pictures), labels_(data.labels), weights_(start), gradient_(start.size()), first_(start.size()),
          second_(start.size()), batch_(std::size_t(most) * kInputs), hidden_(std::size_t(most) * layout.hidden), back_(hidden_.size()),
          scores_(std::size_t(most) * kOutputs), losses_(data.labels.size()), batch_labels_(most), hits_(data.labels.size()), order_(data.labels.size()) {
        first_.zero();
        second_.zero();
    }
    void set_order(const std::vector<int>& order) { order_.upload(order); }
    // Losses and hits of the pictures order[begin] ... order[begin + count - 1] are stored at their place in the order.
    void forward(int begin, int count) {
        gather<<<count, kInputs>>>(pictures_.data(), labels_.data(), order_.data() + begin, batch_.data(), batch_labels_.data());
        const float* w = weights_.data();
        multiply<false, false, true>(batch_.data(), w, w + layout_.bias1(), hidden_.data(), count, layout_.hidden, kInputs);
        multiply<false, false, false>(hidden_.data(), w + layout_.weights2(), w + layout_.bias2(), scores_.data(), count, kOutputs, layout_.hidden);
        softmax<<<(count + 3) / 4, 128>>>(scores_.data(), batch_labels_.data(), losses_.data() + begin, hits_.data() + begin, count);
        CHECK_LAUNCH();
    }
    void learn(int count, float rate) {
        float* g = gradient_.data();
        const int h = layout_.hidden;
        multiply<true, false, false>(hidden_.data(), scores_.data(), nullptr, g + layout_.weights2(), h, kOutputs, count);
        sum_rows<<<1, 32>>>(scores_.data(), g + layout_.bias2(), count, kOutputs);
        multiply<false, true, false>(scores_.data(), weights_.data() + layout_.weights2(), nullptr, back_.data(), count, h, kOutputs);
        through_tanh<<<(count * h + 127) / 128, 128>>>(back_.data(), hidden_.data(), count * h);
        multiply<true, false, false>(batch_.data(), back_.data(), nullptr, g, kInputs, h, count);
        sum_rows<<<(h + 127) / 128, 128>>>(back_.data(), g + layout_.bias1(), count, h);
        ++steps_;
        adam<<<(layout_.size() + 127) / 128, 128>>>(weights_.data(), g, first_.data(), second_.data(), layout_.size(), rate,
                                                    float(1 - std::pow(0.9, steps_)), float(1 - std::pow(0.999, steps_)));
        CHECK_LAUNCH();
    }
    double mean_loss(int begin, int count) const {
        const std::vector<float> losses = losses_.download();
        double sum = 0;
        for (int i = begin; i < begin + count; ++i) sum += losses[i];
        return sum / count;
    }
    double accuracy(int begin, int count) const {
        const std::vector<int> hits = hits_.download();
        return double(std::count(hits.begin() + begin, hits.begin() + begin + count, 1)) / count;
    }

private:
    template <bool kTransposeA, bool kTransposeB, bool kTanh>
    void multiply(const float* a, const float* b, const float* bias, float* c, int rows, int columns, int depth) {
        const dim3 grid((columns + kTile - 1) / kTile, (rows + kTile - 1) / kTile), block(kTile, kTile);
        product<kTransposeA, kTransposeB, kTanh><<<grid, block>>>(a, b, bias, c, rows, columns, depth);
    }
    Layout layout_;
    int steps_ = 0;
    DeviceArray<float> pictures_;
    DeviceArray<int> labels_;
    DeviceArray<float> weights_, gradient_, first_, second_, batch_, hidden_, back_, scores_, losses_;
    DeviceArray<int> batch_labels_, hits_, order_;
};

// The same in double, picture by picture.
class HostNetwork {
public:
    HostNetwork(const Data& data, const std::vector<float>& start, Layout layout)
        : data_(data), layout_(layout), weights_(start.begin(), start.end()), first_(start.size()), second_(start.size()) {}

    // The summed loss of the batch, before it is learnt.
    double learn(const int* order, int count, double rate) {
        const int h = layout_.hidden, bias1 = layout_.bias1(), weights2 = layout_.weights2(), bias2 = layout_.bias2();
        std::vector<double> gradient(weights_.size()), hidden(h);
        double loss = 0;
        for (int i = 0; i < count; ++i) {
            const float* picture = &data_.pictures[std::size_t(order[i]) * kInputs];
            for (int j = 0; j < h; ++j) {
                double sum = weights_[bias1 + j];
                for (int k = 0; k < kInputs; ++k) sum += picture[k] * weights_[k * h + j];
                hidden[j] = std::tanh(sum);
            }
            double score[kOutputs], total = 0;
            for (int o = 0; o < kOutputs; ++o) {
                score[o] = weights_[bias2 + o];
                for (int j = 0; j < h; ++j) score[o] += hidden[j] * weights_[weights2 + j * kOutputs + o];
                total += std::exp(score[o]);
            }
            loss += std::log(total) - score[data_.labels[order[i]]];
            for (int o = 0; o < kOutputs; ++o) {
                score[o] = (std::exp(score[o]) / total - (o == data_.labels[order[i]])) / count;
                gradient[bias2 + o] += score[o];
            }
            for (int j = 0; j < h; ++j) {
                double back = 0;
                for (int o = 0; o < kOutputs; ++o) {
                    gradient[weights2 + j * kOutputs + o] += hidden[j] * score[o];
                    back += weights_[weights2 + j * kOutputs + o] * score[o];
                }
                back *= 1 - hidden[j] * hidden[j];
                gradient[bias1 + j] += back;
                for (int k = 0; k < kInputs; ++k) gradient[k * h + j] += picture[k] * back;
            }
        }
        ++steps_;
        for (std::size_t i = 0; i < weights_.size(); ++i) {
            first_[i] = 0.9 * first_[i] + 0.1 * gradient[i];
            second_[i] = 0.999 * second_[i] + 0.001 * gradient[i] * gradient[i];
            weights_[i] -= rate * first_[i] / (1 - std::pow(0.9, steps_)) / (std::sqrt(second_[i] / (1 - std::pow(0.999, steps_))) + 1e-6);
        }
        return loss;
    }

private:
    const Data& data_;
    Layout layout_;
    std::vector<double> weights_, first_, second_;
    int steps_ = 0;
};

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Trains a neural network to read handwritten digits");
    const std::string path = arguments.text("data", "examples/neural/data/optdigits.csv", "the pictures");
    const int epochs = int(arguments.integer("epochs", 20, "rounds through the pictures"));
    const Layout layout{int(arguments.integer("hidden", 64, "hidden neurons"))};
    const int batch = int(arguments.integer("batch", 32, "pictures per step"));
    const double rate = arguments.number("rate", 0.002, "step size of Adam");
    const CommonOptions common = common_options(arguments, "");
    arguments.finish();
    Data data;
    if (epochs < 1 || layout.hidden < 1 || layout.hidden > 4096 || batch < 1 || !(rate > 0)) {
        std::fprintf(stderr, "neural: epochs, hidden (up to 4096), batch and rate must be positive\n");
        return 1;
    }
    if (!read_digits(path, data)) return 1;
    if (!common.quiet) print_device();

    // The last fifth is kept for the test and never learnt.
    const int train = data.count() * 4 / 5, test = data.count() - train;
    if (train < 1) {
        std::fprintf(stderr, "neural: %d pictures are too few to train and test\n", data.count());
        return 1;
    }
    std::mt19937 random(3);
    const auto spread = [&](double width) { return float((random() / 4294967296.0 * 2 - 1) * width); };
    std::vector<float> start(layout.size());
    for (int i = 0; i < layout.bias1(); ++i) start[i] = spread(std::sqrt(6.0 / (kInputs + layout.hidden)));
    for (int i = layout.weights2(); i < layout.bias2(); ++i) start[i] = spread(std::sqrt(6.0 / (layout.hidden + kOutputs)));

    DeviceNetwork network(data, start, layout, batch);
    HostNetwork host(data, start, layout);
    std::vector<int> order(data.count());
    for (int i = 0; i < data.count(); ++i) order[i] = i;

    // Float and double part slowly: the losses' rounding is 1e-7, and each of some hundred steps passes on what the earlier ones
    // did, Adam enlarging it where gradients are near 0. 1e-3 of the loss leaves room, and a wrong gradient is off by far more.
    Comparison losses("loss of each epoch against the host", 1e-3, 1e-6);
    double seconds = 0, first_loss = 0, last_loss = 0;
    for (int epoch = 0; epoch < epochs; ++epoch) {
        for (int i = train - 1; i > 0; --i) std::swap(order[i], order[random() % unsigned(i + 1)]);
        network.set_order(order);
        const Stopwatch watch;
        for (int begin = 0; begin < train; begin += batch) {
            const int count = std::min(batch, train - begin);
            network.forward(begin, count);
            network.learn(count, float(rate));
        }
        const double loss = network.mean_loss(0, train);
        seconds += watch.seconds();
        if (epoch == 0) first_loss = loss;
        last_loss = loss;
        if (!common.quiet) std::printf("epoch %2d: loss %.5f, accuracy while learning %.2f %%\n", epoch + 1, loss, 100 * network.accuracy(0, train));
        if (!common.check) continue;
        double expected = 0;
        for (int begin = 0; begin < train; begin += batch) expected += host.learn(&order[begin], std::min(batch, train - begin), rate);
        losses.add(loss, expected / train);
    }
    for (int begin = train; begin < data.count(); begin += batch) network.forward(begin, std::min(batch, data.count() - begin));
    const double accuracy = network.accuracy(train, test);
    std::printf("%d epochs of %d pictures in %.3f s, %.0f pictures/s\n", epochs, train, seconds, double(epochs) * train / seconds);
    std::printf("accuracy on %d other pictures: %.2f %%\n", test, 100 * accuracy);
    if (!common.check) return verdict("neural", false, true);
    bool passed = losses.report();
    passed = expect(epochs == 1 || last_loss < first_loss, "the loss falls") && passed;
    return verdict("neural", true, passed);
}
