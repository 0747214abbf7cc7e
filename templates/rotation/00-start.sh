#!/bin/sh
# Phase {{phase}} of the rotation of {{cluster}}: what has to happen in the cluster, beside `certferry apply` on its nodes.
#
# `sh phase-{{phase}}.sh --help` has the usage, and `certferry help rotation` the order. It needs kubectl, 1.14 or later, with the
# rights of an administrator, and of other programs only sleep. It says what it finds and what it does, a line each. Run
# again it does what is left, and nothing twice. Exit codes: 0 all is done, 1 something must be done first, which the lines
# that begin with `first: ` name, 2 it could not run.

# Conditions below are `A && B || stop`, where stop does not return; backticks stand in messages for people, dollars in
# templates of Go.
# shellcheck disable=SC2015,SC2016

set -u
LC_ALL=C
export LC_ALL
IFS=' 	
'

PHASE='{{phase}}'
CLUSTER='{{cluster}}'
# Names the rotation: the beginning of the SHA-256 of its old and new keys.
ROTATION='{{rotation}}'
# The nodes of the profile that have a kubelet.
NODES='{{nodes}}'
# The certificates in PEM; empty where that CA does not change.
OLD_CA='{{old_ca}}'
NEW_CA='{{new_ca}}'
OLD_FRONT_PROXY_CA='{{old_front_proxy_ca}}'
NEW_FRONT_PROXY_CA='{{new_front_proxy_ca}}'
# How tokens of service accounts begin that the old key signed, and those of the new one; empty where the key does not change.
OLD_TOKEN='{{old_token}}'
NEW_TOKEN='{{new_token}}'

usage() {
    printf '%s\n' \
        "usage: sh phase-$PHASE.sh [--dry-run] [--before] [OPTION...] [ARGUMENT...]" \
        '' \
        "Does phase $PHASE of the rotation of $CLUSTER in the cluster, after every node has the files of that phase." \
        '' \
        '  --dry-run           say what would be done, change nothing' \
        "  --before            say whether phase $PHASE may begin on the nodes, change nothing" \
        '  --allow-outside     go on although there are nodes, requests or clients that are not in the profile' \
        '  --restart-pods      restart the pods that still use what they read before' \
        '  --renew-tokens      have the token in each token Secret made anew; the one before is refused from then on' \
        '  --servers-renewed   the servers behind caBundles have certificates of the new CA' \
        '  --back              phase 1 only: the nodes are back at the old files, leave the new CA' \
        '  --wait SECONDS      how long to wait for what the cluster does by itself; 300 where it is not given' \
        '  ARGUMENT            goes to kubectl, such as `--kubeconfig FILE` or `--context NAME`'
}
