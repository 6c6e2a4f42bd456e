// Turns and scales a picture with a texture: the device filters between pixels, mirrors the picture beyond its edges and turns
// bytes into numbers from 0 to 1, all in one fetch. The result is written through a surface.
//
// A texture's filter computes its weights in fixed point with 8 fractional bits (CUDA C++ Programming Guide, "Linear Filtering"):
// the check on the host does the same, and allows the last bit of a byte to differ.
#include "arguments.h"
#include "cuda_check.h"
#include "image.h"
#include "report.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

/// Where in the source a pixel of the result comes from: a rotation and a scaling about the centres.
struct View {
    float cosine, sine; // divided by the zoom
    int width, height;  // of the result
    int source_width, source_height;
};

__host__ __device__ inline float2 source_of(const View& view, int x, int y) {
    const float dx = x + 0.5f - 0.5f * view.width, dy = y + 0.5f - 0.5f * view.height;
    return make_float2(fmaf(view.cosine, dx, fmaf(view.sine, dy, 0.5f * view.source_width)),
                       fmaf(view.cosine, dy, fmaf(-view.sine, dx, 0.5f * view.source_height)));
}

__global__ void resample(cudaSurfaceObject_t target, cudaTextureObject_t source, View view) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= view.width || y >= view.height) return;
    const float2 at = source_of(view, x, y);
    const float4 color = tex2D<float4>(source, at.x / view.source_width, at.y / view.source_height);
    const uchar4 bytes = make_uchar4(color.x * 255 + 0.5f, color.y * 255 + 0.5f, color.z * 255 + 0.5f, 255);
    surf2Dwrite(bytes, target, x * int(sizeof(uchar4)), y);
}

/// The same on the host, one channel.
static double filtered(const Image& source, float2 at, int channel) {
    const auto mirrored = [](int i, int n) {
        const int period = 2 * n, inside = ((i % period) + period) % period;
        return inside < n ? inside : period - 1 - inside;
    };
    const double bx = at.x - 0.5, by = at.y - 0.5;
    const int x = int(std::floor(bx)), y = int(std::floor(by));
    const double a = std::floor((bx - x) * 256 + 0.5) / 256, b = std::floor((by - y) * 256 + 0.5) / 256;
    const auto pixel = [&](int dx, int dy) {
        return double(source.at(mirrored(x + dx, source.width), mirrored(y + dy, source.height))[channel]);
    };
    return (1 - a) * (1 - b) * pixel(0, 0) + a * (1 - b) * pixel(1, 0) + (1 - a) * b * pixel(0, 1) + a * b * pixel(1, 1);
}

/// Rings in colour, when no picture is given.
static Image drawn(int size) {
    Image image(size, size, 4);
    for (int y = 0; y < size; ++y)
        for (int x = 0; x < size; ++x) {
            const float dx = x - 0.3f * size, dy = y - 0.4f * size;
            const Color c =
                (x / 16 + y / 16) % 2 ? tides(0.02f * std::sqrt(dx * dx + dy * dy)) : ember(float(x + y) / (2 * size));
            std::uint8_t* pixel = image.at(x, y);
            pixel[0] = to_byte(c.red), pixel[1] = to_byte(c.green), pixel[2] = to_byte(c.blue), pixel[3] = 255;
        }
    return image;
}

static Image with_four_channels(const Image& image) {
    Image result(image.width, image.height, 4);
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x)
            for (int channel = 0; channel < 4; ++channel)
                result.at(x, y)[channel] = channel == 3 ? 255 : image.at(x, y)[image.channels >= 3 ? channel : 0];
    return result;
}

/// A CUDA array of four bytes per pixel.
static cudaArray_t make_array(int width, int height, unsigned flags) {
    const cudaChannelFormatDesc format = cudaCreateChannelDesc<uchar4>();
    cudaArray_t array = nullptr;
    CHECK(cudaMallocArray(&array, &format, width, height, flags));
    return array;
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Turns and scales a picture");
    View view{};
    view.width = int(arguments.integer("width", 1280, "pixels across"));
    view.height = int(arguments.integer("height", 800, "pixels down"));
    const double angle = arguments.number("angle", 23, "turn, in degrees");
    const double zoom = arguments.number("zoom", 1.7, "pixels of the result for one of the source");
    const CommonOptions common = common_options(arguments);
    const std::string file = arguments.positional("PICTURE.png", "", "the picture; without it one is drawn");
    arguments.finish();
    if (view.width < 1 || view.height < 1 || !(zoom > 0)) {
        std::fprintf(stderr, "sizes must be at least 1, the zoom above 0\n");
        return 1;
    }
    Image source;
    if (file.empty())
        source = drawn(512);
    else if (read_png(file, source))
        source = with_four_channels(source);
    else
        return 1;
    view.source_width = source.width;
    view.source_height = source.height;
    view.cosine = float(std::cos(angle * 3.14159265358979 / 180) / zoom);
    view.sine = float(std::sin(angle * 3.14159265358979 / 180) / zoom);
    if (!common.quiet) print_device();

    cudaArray_t from = make_array(source.width, source.height, cudaArrayDefault);
    cudaArray_t to = make_array(view.width, view.height, cudaArraySurfaceLoadStore);
    const size_t row = size_t(source.width) * 4;
    CHECK(cudaMemcpy2DToArray(from, 0, 0, source.pixels.data(), row, row, source.height, cudaMemcpyHostToDevice));
    cudaResourceDesc resource{};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = from;
    cudaTextureDesc modes{};
    modes.addressMode[0] = modes.addressMode[1] = cudaAddressModeMirror;
    modes.filterMode = cudaFilterModeLinear;
    modes.readMode = cudaReadModeNormalizedFloat;
    modes.normalizedCoords = 1; // mirroring needs it
    cudaTextureObject_t texture = 0;
    CHECK(cudaCreateTextureObject(&texture, &resource, &modes, nullptr));
    cudaSurfaceObject_t surface = 0;
    resource.res.array.array = to;
    CHECK(cudaCreateSurfaceObject(&surface, &resource));

    const dim3 block(32, 4), grid((view.width + block.x - 1) / block.x, (view.height + block.y - 1) / block.y);
    resample<<<grid, block>>>(surface, texture, view); // once ahead of the clock, which compiles it
    CHECK_LAUNCH();
    CHECK(cudaDeviceSynchronize());
    const Stopwatch watch;
    resample<<<grid, block>>>(surface, texture, view);
    CHECK_LAUNCH();
    CHECK(cudaDeviceSynchronize());
    const double seconds = watch.seconds();
    Image result(view.width, view.height, 4);
    CHECK(cudaMemcpy2DFromArray(result.pixels.data(), size_t(view.width) * 4, to, 0, 0, size_t(view.width) * 4, view.height,
                                cudaMemcpyDeviceToHost));
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaDestroySurfaceObject(surface));
    CHECK(cudaFreeArray(from));
    CHECK(cudaFreeArray(to));
    if (!common.quiet)
        std::printf("%d x %d pixels in %.3f ms: %.3g million fetches/s\n", view.width, view.height, seconds * 1e3,
                    double(view.width) * view.height / seconds * 1e-6);
    if (common.writes_files() && !write_png(common.path("resample.png"), result)) return 1;

    bool passed = true;
    if (common.check) {
        // Rounding to 1/256 of a pixel may fall the other way where the coordinate itself was rounded: 1/256 of a step from black
        // to white is one more.
        Comparison same("channels of the picture", 0, 2);
        for (int y = 0; y < view.height; ++y)
            for (int x = 0; x < view.width; ++x)
                for (int channel = 0; channel < 3; ++channel)
                    same.add(result.at(x, y)[channel], filtered(source, source_of(view, x, y), channel));
        passed = same.report();
    }
    return verdict("resample", common.check, passed);
}
