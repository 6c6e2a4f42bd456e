# Do two shared libraries export the same names with the same symbol versions? Prints what differs.
names() { nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sort; }
diff <(names "$1") <(names "$2")
