#!/bin/sh
# Lets a node trust the web root beside this file, ca.crt: all its programs, and for the registries that are named,
# containerd. It needs a shell, the coreutils and the distribution's own update-ca-certificates or update-ca-trust.
# `sh trust-root.sh --help` has the usage.
#
# What is there already stays: another hosts.toml, another CA for a registry. Everything is looked at before anything is
# written, each file is replaced as a whole, and a second run changes nothing. Exit codes: 0 done, 1 the check says
# no, 2 it could not run.

# Conditions below are `A && B || stop`, where stop does not return; backticks stand in messages for people.
# shellcheck disable=SC2015,SC2016

set -u
umask 022
LC_ALL=C
export LC_ALL
unset CDPATH
IFS=' 	
'

# The name of the file in the node's folder of trusted CAs, without its ending.
NAME='{{name}}'

usage() {
    cat <<'TEXT'
usage: sh trust-root.sh [--root DIR] [REGISTRY[:PORT]...]

Lets this node trust the CA in ca.crt, which lies beside this file.

  --root DIR         the root of another node's files: write them there, and say what is to be run
  REGISTRY[:PORT]    a registry that containerd is to trust, as images name it: `harbor.corp.internal`
TEXT
}

