#!/bin/sh
# Prints the public facts of a node, for `certferry init --from`, with a shell, awk, openssl and the tools of every
# distribution. It prints the same as `certferry survey`, and writes no file.
#
#     sh survey.sh [--root DIR] > cp-1.toml
#
# In the output there is no key, token or password: what may be in it is a list (certferry help survey), and a text that
# is not on it stays here. Keys go through pipes from one program to the next, never into an argument, the environment or
# a file. Exit codes: 0 all was read; 2 something that is there could not be read.

# Conditions below are `A && B || stop`, where stop does not return; programs for awk stand in single quotes.
# shellcheck disable=SC2015,SC2016

set -u
unset CDPATH POSIXLY_CORRECT
LC_ALL=C
export LC_ALL
LF='
'
TAB=$(printf '\t')

