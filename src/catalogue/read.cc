// A device file -> DeviceModel. The reader is strict: an unknown key is more often a misspelt one than a harmless extra.
// docs/devices-schema.md describes the file.
#include "catalogue/catalogue.h"
#include "catalogue/figures.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace anywarp::catalogue {
namespace {

using Json = nlohmann::json;

constexpr std::string_view confidence_names[] = {"published", "derived", "reported", "unknown"};

struct Reader {
    DeviceModel model;
    std::string problem; // the first one

    void fail(std::string what) {
        if (problem.empty()) problem = std::move(what);
    }

    void read_text(const std::string& key, const Json& value, std::string& target) {
        if (!value.is_string()) return fail("\"" + key + "\" must be a string");
        target = value.get<std::string>();
    }

    template <class Names, class Value>
    void read_choice(const std::string& key, const Json& value, const Names& names, Value& target) {
        std::string list;
        int number = 0;
        for (std::string_view name : names) {
            if (value.is_string() && value.get<std::string>() == name) {
                target = static_cast<Value>(number);
                return;
            }
            list += (number++ ? ", " : "") + std::string(name);
        }
        fail("\"" + key + "\" is " + value.dump() + ", not one of " + list);
    }

    void read_figure(const std::string& key, const Json& value) {
        if (!find_figure(key)) return fail("no figure is called \"" + key + "\"");
        if (!value.is_object()) return fail("figure \"" + key + "\" must be an object with value, confidence, source");
        Figure figure;
        bool has_confidence = false;
        for (const auto& [name, item] : value.items()) {
            if (name == "value") {
                if (!item.is_null() && !item.is_number())
                    return fail("figure \"" + key + "\" has the value " + item.dump() + ", not a number or null");
                if (item.is_number()) figure.value = item.get<double>();
            } else if (name == "confidence") {
                read_choice(key + ".confidence", item, confidence_names, figure.confidence);
                has_confidence = true;
            } else if (name == "source")
                read_text(key + ".source", item, figure.source);
            else if (name == "note")
                read_text(key + ".note", item, figure.note);
            else if (name == "deviates")
                read_text(key + ".deviates", item, figure.deviates);
            else
                return fail("figure \"" + key + "\" has an unknown key \"" + name + "\"");
        }
        if (!has_confidence) return fail("figure \"" + key + "\" has no confidence");
        model.figures[key] = std::move(figure);
    }

    void read_source(const std::string& key, const Json& value) {
        Source source;
        if (!value.is_object()) return fail("source \"" + key + "\" must be an object with title and url");
        for (const auto& [name, item] : value.items()) {
            if (name == "title")
                read_text(key + ".title", item, source.title);
            else if (name == "url")
                read_text(key + ".url", item, source.url);
            else
                return fail("source \"" + key + "\" has an unknown key \"" + name + "\"");
        }
        model.sources[key] = std::move(source);
    }

    void read_part(const Json& value) {
        Part part;
        if (!value.is_object()) return fail("a part must be an object with device and count");
        for (const auto& [name, item] : value.items()) {
            if (name == "device")
                read_text("part.device", item, part.device);
            else if (name == "count" && item.is_number_integer())
                part.count = item.get<int>();
            else
                return fail("a part has an unknown or wrong \"" + name + "\"");
        }
        model.parts.push_back(std::move(part));
    }

    void read_texts(const std::string& key, const Json& value, std::vector<std::string>& target) {
        if (!value.is_array()) return fail("\"" + key + "\" must be a list");
        for (const Json& item : value) read_text(key, item, target.emplace_back());
    }

    void read_key(const std::string& key, const Json& value) {
        constexpr std::string_view kinds[] = {"gpu", "accelerator", "system"};
        constexpr std::string_view markets[] = {"data center", "workstation", "consumer"};
        const std::pair<std::string_view, std::string*> texts[] = {
            {"name", &model.name},
            {"vendor", &model.vendor},
            {"country", &model.supplier_country},
            {"architecture", &model.architecture},
            {"chip", &model.chip},
            {"form", &model.form},
            {"node", &model.node},
            {"memory_type", &model.memory_type},
            {"link_name", &model.link_name},
            {"released", &model.released},
            {"compute_capability", &model.compute_capability},
            {"cuda_name", &model.cuda_name},
            {"brand", &model.brand},
        };
        for (const auto& [name, target] : texts)
            if (key == name) return read_text(key, value, *target);
        if (key == "kind") return read_choice(key, value, kinds, model.kind);
        if (key == "market") return read_choice(key, value, markets, model.market);
        if (key == "aliases") return read_texts(key, value, model.aliases);
        if (key == "notes") return read_texts(key, value, model.notes);
        if (key == "parts" && value.is_array()) {
            for (const Json& item : value) read_part(item);
            return;
        }
        if (key == "figures" && value.is_object()) {
            for (const auto& [name, item] : value.items()) read_figure(name, item);
            return;
        }
        if (key == "sources" && value.is_object()) {
            for (const auto& [name, item] : value.items()) read_source(name, item);
            return;
        }
        fail("unknown or wrong key \"" + key + "\"");
    }
};

} // namespace

std::string_view name_of(Confidence confidence) { return confidence_names[static_cast<int>(confidence)]; }

const Figure* DeviceModel::figure(std::string_view key) const {
    auto it = figures.find(std::string(key));
    return it == figures.end() ? nullptr : &it->second;
}

std::optional<double> DeviceModel::number(std::string_view key) const {
    const Figure* found = figure(key);
    return found ? found->value : std::nullopt;
}

Result<DeviceModel> read_device(std::string_view json, std::string_view id, std::string_view origin) {
    Reader reader;
    try {
        const Json tree = Json::parse(json);
        if (!tree.is_object()) return user_error(ErrorCode::invalid_value, std::string(origin) + ": not a JSON object");
        for (const auto& [key, value] : tree.items()) reader.read_key(key, value);
    } catch (const Json::exception& error) {
        return user_error(ErrorCode::invalid_value, std::string(origin) + ": " + error.what());
    }
    reader.model.id = id;
    reader.model.origin = origin;
    for (const auto& [name, text] : {std::pair{"name", &reader.model.name}, std::pair{"vendor", &reader.model.vendor}})
        if (text->empty()) reader.fail("\"" + std::string(name) + "\" is missing");
    if (!reader.problem.empty()) return user_error(ErrorCode::invalid_value, std::string(origin) + ": " + reader.problem);
    return std::move(reader.model);
}

Result<DeviceModel> read_device_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return user_error(ErrorCode::file_not_found, "can't open the device file " + path);
    std::ostringstream text;
    text << file.rdbuf();
    std::string id = path.substr(path.find_last_of('/') + 1);
    if (id.ends_with(".json")) id.resize(id.size() - 5);
    return read_device(text.str(), id, path);
}

} // namespace anywarp::catalogue
