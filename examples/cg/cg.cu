// Conjugate gradients with Jacobi preconditioning, for a sparse symmetric positive definite matrix from a Matrix Market file.
//
// The matrix is kept in compressed rows; a warp multiplies one row, its lanes adding up with shuffles. Scalar products are block
// reductions whose parts a last block adds, always in the same order, so that a run repeats to the last bit. The step lengths stay
// on the device: the host looks at the residual only every few steps. (M. Hestenes, E. Stiefel, 1952; Matrix Market exchange
// formats, NIST.)
#include "arguments.h"
#include "cuda_check.h"
#include "report.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

constexpr unsigned kFullMask = 0xffffffffu;
constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;

struct Matrix {
    int rows = 0;
    std::vector<int> row_starts, columns;
    std::vector<double> values;
};

// ------------------------------------------------------------------------------------------------------------------------ reading

// Empty when the matrix is read, else what is wrong and in which line.
static std::string read_matrix_market(std::istream& in, Matrix& matrix) {
    int line_number = 0;
    std::string line;
    const auto next_line = [&] { return ++line_number, bool(std::getline(in, line)); };
    const auto wrong = [&](const std::string& what) { return "line " + std::to_string(line_number) + ": " + what; };

    std::string banner, object, format, field, symmetry;
    if (!next_line()) return wrong("the file is empty");
    for (char& c : line) c = char(std::tolower(static_cast<unsigned char>(c)));
    std::istringstream(line) >> banner >> object >> format >> field >> symmetry;
    if (banner != "%%matrixmarket") return wrong("no %%MatrixMarket banner");
    if (object != "matrix") return wrong("object '" + object + "' is not matrix");
    if (format != "coordinate") return wrong("format '" + format + "' is not supported, only coordinate");
    if (field != "real" && field != "integer") return wrong("field '" + field + "' is not supported, only real and integer");
    if (symmetry != "symmetric" && symmetry != "general") return wrong("symmetry '" + symmetry + "' is not supported, only symmetric and general");
    const bool symmetric = symmetry == "symmetric";

    const auto blank = [&] { return line.find_first_not_of(" \t\r") == std::string::npos; };
    do {
        if (!next_line()) return wrong("the file ends before its sizes");
    } while (line[0] == '%' || blank());
    long long rows, columns, count;
    std::string rest;
    std::istringstream sizes(line);
    if (!(sizes >> rows >> columns >> count) || sizes >> rest) return wrong("sizes are not three integers: '" + line + "'");
    if (rows != columns) return wrong("the matrix is not square: " + std::to_string(rows) + " x " + std::to_string(columns));
    if (rows < 1 || rows > 100000000 || count < 1 || count > 1000000000) return wrong("sizes out of range: '" + line + "'");

    std::vector<std::map<int, double>> entries(rows);
    for (long long read = 0; read < count; ++read) {
        do {
            if (!next_line()) return wrong("the file ends after " + std::to_string(read) + " of " + std::to_string(count) + " entries");
        } while (blank());
        std::istringstream words(line);
        long long row, column;
        double value;
        if (!(words >> row >> column >> value) || words >> rest) return wrong("an entry is not row, column, value: '" + line + "'");
        if (row < 1 || row > rows || column < 1 || column > rows) return wrong("entry outside the matrix: '" + line + "'");
        if (!std::isfinite(value)) return wrong("value is not finite: '" + line + "'");
        if (symmetric && column > row) return wrong("entry above the diagonal of a symmetric matrix: '" + line + "'");
        if (!entries[row - 1].emplace(int(column - 1), value).second) return wrong("entry given twice: '" + line + "'");
        if (symmetric && row != column) entries[column - 1].emplace(int(row - 1), value);
    }
    while (next_line()) {
        if (!blank()) return wrong("more entries than the " + std::to_string(count) + " announced");
    }

    matrix = Matrix{};
    matrix.rows = int(rows);
    matrix.row_starts.push_back(0);
    for (int row = 0; row < rows; ++row) {
        const auto diagonal = entries[row].find(row);
        if (diagonal == entries[row].end() || !(diagonal->second > 0)) {
            return "row " + std::to_string(row + 1) + ": diagonal is not positive, so the matrix is not positive definite";
        }
        for (const auto& [column, value] : entries[row]) {
            const auto mirrored = entries[column].find(row);
            if (mirrored == entries[column].end() || mirrored->second != value) {
                return "entry " + std::to_string(row + 1) + " " + std::to_string(column + 1) + ": the matrix is not symmetric";
            }
            matrix.columns.push_back(column);
            matrix.values.push_back(value);
        }
        matrix.row_starts.push_back(int(matrix.columns.size()));
    }
    return "";
}

// ------------------------------------------------------------------------------------------------------------------------- device

__device__ double warp_sum(double value) {
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(kFullMask, value, step);
    return value;
}

__device__ double block_sum(double value) {
    __shared__ double sums[kWarps];
    value = warp_sum(value);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
    __syncthreads();
    double sum = 0;
    for (int warp = 0; warp < kWarps; ++warp) sum += sums[warp];
    __syncthreads();
    return sum;
}

__global__ void multiply(int rows, const int* row_starts, const int* columns, const double* values, const double* x, double* y) {
    const int lane = threadIdx.x % 32;
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (row >= rows) return; // the whole warp
    double sum = 0;
    for (int k = row_starts[row] + lane; k < row_starts[row + 1]; k += 32) sum += values[k] * x[columns[k]];
    sum = warp_sum(sum);
    if (lane == 0) y[row] = sum;
}

__global__ void dot_parts(int n, const double* a, const double* b, double* parts) {
    double sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += a[i] * b[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

__global__ void add_parts(int count, const double* parts, double* result) {
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) *result = sum;
}

// x += alpha p, r -= alpha A p, z = r / diagonal, with alpha = r.z / p.Ap
__global__ void step_solution(int n, const double* rz, const double* p_ap, const double* p, const double* ap, const double* inverse_diagonal,
                              double* x, double* r, double* z) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const double alpha = *rz / *p_ap;
    x[i] += alpha * p[i];
    r[i] -= alpha * ap[i];
    z[i] = r[i] * inverse_diagonal[i];
}

__global__ void step_direction(int n, const double* new_rz, const double* rz, const double* z, double* p) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) p[i] = z[i] + *new_rz / *rz * p[i];
}

struct Outcome {
    std::vector<double> x;
    int steps = 0;
    double residual = 0; // relative, as the iteration knows it
};

constexpr int kLook = 10; // the host looks at the residual after so many steps

static Outcome solve_on_device(const Matrix& matrix, const std::vector<double>& b, double tolerance, int most_steps) {
    const int n = matrix.rows, blocks = (n + kThreads - 1) / kThreads, row_blocks = (n + kWarps - 1) / kWarps, dot_blocks = std::min(blocks, 64);
    std::vector<double> inverse(n), z0(n);
    for (int row = 0; row < n; ++row) {
        for (int k = matrix.row_starts[row]; k < matrix.row_starts[row + 1]; ++k) {
            if (matrix.columns[k] == row) inverse[row] = 1 / matrix.values[k];
        }
        z0[row] = b[row] * inverse[row];
    }
    const DeviceArray<int> row_starts(matrix.row_starts), columns(matrix.columns);
    const DeviceArray<double> values(matrix.values), inverse_diagonal(inverse);
    DeviceArray<double> x(n), r(b), z(z0), p(z0), ap(n), parts(dot_blocks), scalars(4);
    x.zero();
    double *rz = scalars.data(), *new_rz = rz + 1, *p_ap = rz + 2, *rr = rz + 3;
    const auto dot = [&](const DeviceArray<double>& a, const DeviceArray<double>& c, double* result) {
        dot_parts<<<dot_blocks, kThreads>>>(n, a.data(), c.data(), parts.data());
        add_parts<<<1, kThreads>>>(dot_blocks, parts.data(), result);
    };
    const auto value_of = [](const double* place) {
        double value;
        CHECK(cudaMemcpy(&value, place, sizeof value, cudaMemcpyDeviceToHost));
        return value;
    };

    Outcome outcome;
    dot(r, r, rr);
    dot(r, z, rz);
    const double b_norm = std::sqrt(value_of(rr));
    outcome.residual = b_norm > 0 ? 1 : 0;
    while (outcome.residual > tolerance && outcome.steps < most_steps) {
        for (int look = 0; look < kLook && outcome.steps < most_steps; ++look, ++outcome.steps) {
            multiply<<<row_blocks, kThreads>>>(n, row_starts.data(), columns.data(), values.data(), p.data(), ap.data());
            dot(p, ap, p_ap);
            step_solution<<<blocks, kThreads>>>(n, rz, p_ap, p.data(), ap.data(), inverse_diagonal.data(), x.data(), r.data(), z.data());
            dot(r, z, new_rz);
            step_direction<<<blocks, kThreads>>>(n, new_rz, rz, z.data(), p.data());
            std::swap(rz, new_rz);
        }
        dot(r, r, rr);
        CHECK_LAUNCH();
        outcome.residual = std::sqrt(value_of(rr)) / b_norm;
        const double curvature = value_of(p_ap);
        if (!(curvature > 0) || !std::isfinite(outcome.residual)) {
            std::printf("stopped: p.Ap is %g, the matrix is not positive definite\n", curvature);
            break;
        }
    }
    outcome.x = x.download();
    return outcome;
}

// --------------------------------------------------------------------------------------------------------------------------- host

static std::vector<double> multiply_on_host(const Matrix& matrix, const std::vector<double>& x) {
    std::vector<double> y(matrix.rows);
    for (int row = 0; row < matrix.rows; ++row) {
        for (int k = matrix.row_starts[row]; k < matrix.row_starts[row + 1]; ++k) y[row] += matrix.values[k] * x[matrix.columns[k]];
    }
    return y;
}

static double dot_on_host(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

// Plain conjugate gradients, without preconditioning: another road to the same solution.
static Outcome solve_on_host(const Matrix& matrix, const std::vector<double>& b, double tolerance, int most_steps) {
    Outcome outcome;
    outcome.x.assign(matrix.rows, 0);
    std::vector<double> r = b, p = b;
    double rr = dot_on_host(r, r);
    const double b_norm = std::sqrt(rr);
    for (; outcome.steps < most_steps && std::sqrt(rr) > tolerance * b_norm; ++outcome.steps) {
        const std::vector<double> ap = multiply_on_host(matrix, p);
        const double alpha = rr / dot_on_host(p, ap);
        for (int i = 0; i < matrix.rows; ++i) {
            outcome.x[i] += alpha * p[i];
            r[i] -= alpha * ap[i];
        }
        const double new_rr = dot_on_host(r, r);
        for (int i = 0; i < matrix.rows; ++i) p[i] = r[i] + new_rr / rr * p[i];
        rr = new_rr;
    }
    outcome.residual = std::sqrt(rr) / b_norm;
    return outcome;
}

static double relative_distance(const std::vector<double>& a, const std::vector<double>& b) {
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return std::sqrt(difference / size);
}

// The second differences of a square grid, side x side points.
static std::string poisson(int side) {
    std::ostringstream out;
    out << "%%MatrixMarket matrix coordinate real symmetric\n" << side * side << ' ' << side * side << ' ' << side * (3 * side - 2) << '\n';
    for (int i = 0; i < side; ++i) {
        for (int j = 0; j < side; ++j) {
            const int row = i * side + j + 1;
            out << row << ' ' << row << " 4\n";
            if (j > 0) out << row << ' ' << row - 1 << " -1\n";
            if (i > 0) out << row << ' ' << row - side << " -1\n";
        }
    }
    return out.str();
}

// Files that must be refused, with a word of the reason.
static bool check_reader() {
    const std::string banner = "%%MatrixMarket matrix coordinate real ";
    const std::pair<std::string, const char*> cases[] = {
        {"", "empty"},
        {"1 1 1\n1 1 1\n", "banner"},
        {"%%MatrixMarket matrix array real general\n", "coordinate"},
        {"%%MatrixMarket matrix coordinate complex general\n", "complex"},
        {banner + "skew-symmetric\n", "skew"},
        {banner + "general\n% nothing\n", "ends before"},
        {banner + "general\n2 2\n", "three integers"},
        {banner + "general\n2 3 1\n1 1 1\n", "square"},
        {banner + "general\n2 2 2\n1 1 1\n", "ends after 1 of 2"},
        {banner + "general\n1 1 1\n1 1 1\n1 1 1\n", "more entries"},
        {banner + "general\n1 1 1\n1 2 1\n", "outside"},
        {banner + "general\n1 1 1\n1 one 1\n", "row, column, value"},
        {banner + "general\n1 1 2\n1 1 1\n1 1 1\n", "twice"},
        {banner + "symmetric\n2 2 3\n1 1 1\n2 2 1\n1 2 1\n", "above the diagonal"},
        {banner + "general\n2 2 3\n1 1 1\n2 2 1\n1 2 1\n", "not symmetric"},
        {banner + "symmetric\n2 2 2\n1 1 1\n2 2 -1\n", "positive definite"},
    };
    bool passed = true;
    for (const auto& [text, reason] : cases) {
        Matrix matrix;
        std::istringstream in(text);
        const std::string said = read_matrix_market(in, matrix);
        if (said.find(reason) == std::string::npos) passed = expect(false, std::string("refused because of '") + reason + "', said '" + said + "'");
    }
    return expect(passed, "malformed matrix files are refused with their reason");
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Solves a sparse system of equations by conjugate gradients");
    const int side = int(arguments.integer("poisson", 200, "without a file: a grid of so many points along a side"));
    const double tolerance = arguments.number("tolerance", 1e-10, "relative residual to reach");
    const int most_steps = int(arguments.integer("steps", 10000, "steps at most"));
    const CommonOptions common = common_options(arguments, "");
    const std::string path = arguments.positional("FILE", "", "a Matrix Market file");
    arguments.finish();
    if (side < 1 || side > 4000 || !(tolerance > 0) || most_steps < 1) {
        std::fprintf(stderr, "cg: poisson (1 to 4000), tolerance and steps must be positive\n");
        return 1;
    }

    Matrix matrix;
    std::string error;
    if (path.empty()) {
        std::istringstream in(poisson(side));
        error = read_matrix_market(in, matrix);
    } else {
        std::ifstream in(path);
        error = in ? read_matrix_market(in, matrix) : "can't be opened";
    }
    if (!error.empty()) {
        std::fprintf(stderr, "cg: %s: %s\n", path.c_str(), error.c_str());
        return 1;
    }
    if (!common.quiet) print_device();
    std::printf("%d rows, %zu entries\n", matrix.rows, matrix.values.size());

    // The solution is chosen, so that it is known: b = A x.
    std::vector<double> chosen(matrix.rows);
    for (int i = 0; i < matrix.rows; ++i) chosen[i] = 1 + std::sin(0.01 * i) + 0.1 * (i * 7 % 11);
    const std::vector<double> b = multiply_on_host(matrix, chosen);

    solve_on_device(matrix, b, tolerance, 1); // compiles and warms up
    const Stopwatch watch;
    const Outcome outcome = solve_on_device(matrix, b, tolerance, most_steps);
    const double seconds = watch.seconds();
    std::printf("%d steps, residual %.3g, %.3f ms, %.2f GFLOP/s\n", outcome.steps, outcome.residual, seconds * 1e3,
                outcome.steps * (2.0 * matrix.values.size() + 13.0 * matrix.rows) / seconds * 1e-9);
    if (!common.check) return verdict("cg", false, true);

    bool passed = check_reader();
    char text[200];
    passed = expect(outcome.residual <= tolerance, "converged") && passed;
    // What the iteration calls its residual drifts from the true one by rounding: some 1e-16 a step, of values larger than b's.
    std::vector<double> residual = multiply_on_host(matrix, outcome.x);
    for (int i = 0; i < matrix.rows; ++i) residual[i] = b[i] - residual[i];
    const double true_residual = std::sqrt(dot_on_host(residual, residual) / dot_on_host(b, b));
    std::snprintf(text, sizeof text, "true residual %.3g, at most %.3g", true_residual, 10 * tolerance);
    passed = expect(true_residual <= 10 * tolerance, text) && passed;

    // In the worst case a solution's error is the residual times the condition number (200 x 200 grid: 2e4, plate: some 1e6). What is
    // left of a residual is spread over many eigenvectors, so the error is far smaller: 6e-9 was seen for both; allowed is 1e-6.
    const Outcome host = solve_on_host(matrix, b, tolerance, 10 * most_steps);
    const double allowed = 1e4 * tolerance, from_host = relative_distance(outcome.x, host.x), from_chosen = relative_distance(outcome.x, chosen);
    std::snprintf(text, sizeof text, "distance from the host's solution (%d steps without preconditioning) %.3g, at most %.3g", host.steps,
                  from_host, allowed);
    passed = expect(from_host <= allowed, text) && passed;
    std::snprintf(text, sizeof text, "distance from the chosen solution %.3g, at most %.3g", from_chosen, allowed);
    passed = expect(from_chosen <= allowed, text) && passed;
    return verdict("cg", true, passed);
}
