# The check says no.
refuse() {
    say_error "$@"
    exit 1
}

# It could not run.
cannot() {
    say_error "$@"
    exit 2
}

