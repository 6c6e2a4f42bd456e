// Where device files are: compiled in, in the folders of ANYWARP_DEVICE_PATH, in ~/.config/anywarp/devices (or below
// XDG_CONFIG_HOME). The first that has an id wins, users' before ours.
#include "catalogue/catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace anywarp::catalogue {
namespace {

namespace fs = std::filesystem;

std::string plain(std::string_view name) {
    std::string result;
    for (const char c : name)
        if (std::isalnum(static_cast<unsigned char>(c))) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result.starts_with("nvidia") ? result.substr(6) : result;
}

std::vector<fs::path> user_folders() {
    std::vector<fs::path> folders;
    if (const char* list = std::getenv("ANYWARP_DEVICE_PATH")) {
        std::string_view rest = list;
        while (!rest.empty()) {
            const size_t end = std::min(rest.find(':'), rest.size());
            if (end) folders.emplace_back(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config)
        folders.push_back(fs::path(config) / "anywarp/devices");
    else if (const char* home = std::getenv("HOME"); home && *home)
        folders.push_back(fs::path(home) / ".config/anywarp/devices");
    return folders;
}

struct Entry {
    std::string id;
    fs::path path;         // a user's file
    std::string_view text; // ours

    Result<DeviceModel> read() const {
        return path.empty() ? read_device(text, id, "built in") : read_device_file(path.string());
    }
};

std::vector<Entry> entries() {
    std::vector<Entry> list;
    const auto add = [&](Entry entry) {
        if (std::ranges::none_of(list, [&](const Entry& e) { return plain(e.id) == plain(entry.id); }))
            list.push_back(std::move(entry));
    };
    for (const fs::path& folder : user_folders()) {
        std::error_code error;
        std::vector<fs::path> files;
        for (const auto& file : fs::directory_iterator(folder, error))
            if (file.path().extension() == ".json") files.push_back(file.path());
        std::ranges::sort(files);
        for (const fs::path& file : files) add({file.stem().string(), file, {}});
    }
    for (const EmbeddedFile& file : embedded_files())
        if (!file.name.starts_with("tables/")) add({std::string(file.name.substr(0, file.name.size() - 5)), {}, file.text});
    return list;
}

/// Steps (insert, drop, change a letter) from one name to the other.
size_t distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
            diagonal = above;
        }
    }
    return row[b.size()];
}

} // namespace

Result<DeviceModel> find_device(std::string_view name) {
    if (name.find('/') != std::string_view::npos || name.ends_with(".json")) return read_device_file(std::string(name));
    const std::vector<Entry> list = entries();
    const std::string wanted = plain(name);
    for (const Entry& entry : list)
        if (plain(entry.id) == wanted) return entry.read();
    std::vector<std::pair<size_t, std::string>> near;
    for (const Entry& entry : list) {
        near.emplace_back(distance(plain(entry.id), wanted), entry.id);
        Result<DeviceModel> model = entry.read();
        if (!model) continue; // all_devices() says so; here it would hide the answer
        for (const std::string& alias : model->aliases)
            if (plain(alias) == wanted) return model;
    }
    std::ranges::sort(near);
    std::string message = "no device is called \"" + std::string(name) + "\"; near:";
    for (size_t i = 0; i < near.size() && i < 4; ++i) message += (i ? ", " : " ") + near[i].second;
    return user_error(ErrorCode::invalid_value, message + " (anywarp devices lists them)");
}

Result<std::vector<DeviceModel>> all_devices() {
    std::vector<DeviceModel> models;
    for (const Entry& entry : entries()) {
        Result<DeviceModel> model = entry.read();
        if (!model) return std::unexpected(model.error());
        models.push_back(std::move(*model));
    }
    std::ranges::sort(models, [](const DeviceModel& a, const DeviceModel& b) {
        const auto rank = [](const DeviceModel& m) {
            return std::tuple(m.kind == Kind::system, m.vendor != "NVIDIA", m.vendor, m.released.empty(), m.released, m.id);
        };
        return rank(a) < rank(b);
    });
    return models;
}

} // namespace anywarp::catalogue
