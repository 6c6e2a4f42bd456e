# Writes a C++ file that holds every data file of FOLDER as text: devices (NAME.json) and tables (tables/NAME.json), as raw strings.
# A file's lines stay lines, so that the compiler's messages and a debugger show them; CMake's lists eat no semicolon, because a
# file's text is never unquoted.
file(GLOB devices RELATIVE ${FOLDER} ${FOLDER}/*.json)
file(GLOB tables RELATIVE ${FOLDER} ${FOLDER}/tables/*.json)
file(WRITE ${OUTPUT} "// Generated from devices/ by embed.cmake.
#include \"catalogue/catalogue.h\"

namespace anywarp::catalogue {

static constexpr EmbeddedFile files[] = {
")
foreach(name ${devices} ${tables})
  file(READ ${FOLDER}/${name} text)
  file(APPEND ${OUTPUT} "{\"${name}\", R\"anywarp(" "${text}" ")anywarp\"},\n")
endforeach()
file(APPEND ${OUTPUT} "};

std::span<const EmbeddedFile> embedded_files() { return files; }

} // namespace anywarp::catalogue
")
