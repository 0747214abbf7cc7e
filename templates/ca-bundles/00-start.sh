#!/bin/sh
# {{title}}
#
# Writes one CA into the `caBundle` of everything in the live cluster that is reached through the Service
# {{namespace}}/{{service}}: each webhook of a ValidatingWebhookConfiguration or
# MutatingWebhookConfiguration, the conversion of each CRD, each APIService. Then it reads all of them back. It needs
# kubectl, 1.20 or later, and no other program. `sh ca-bundles.sh --help` has the usage.
#
# It counts what it finds: how many webhooks there are depends on the version of what was installed, and one that is left
# out fails with `x509: certificate signed by unknown authority`. Each write names the webhook that it is for, so a list
# that changed meanwhile is refused, and the next run does the rest. Exit codes: 0 all of them hold the CA, 1 the check
# says no, 2 it could not run.

# Conditions below are `A && B || stop`, where stop does not return; backticks stand in messages for people.
# shellcheck disable=SC2015,SC2016

set -u
LC_ALL=C
export LC_ALL
IFS=' 	
'

SERVICE='{{namespace}}/{{service}}'
# What must be found: validating/NAME, mutating/NAME, crd/NAME, api-service/NAME.
EXPECTED='{{expected}}'
# The CA in PEM, in base64, as the API has it.
CA='{{ca}}'

# The longest argument that Linux takes is 131072 bytes; a list of webhooks that would be longer is written in parts.
LONGEST=65536

usage() {
    printf '%s\n' \
        'usage: sh ca-bundles.sh [--dry-run] [ARGUMENT...]' \
        '' \
        "Writes a CA into the caBundle of everything that is reached through the Service $SERVICE." \
        '' \
        '  --dry-run    say what would be written, write nothing' \
        '  ARGUMENT     goes to kubectl, such as `--kubeconfig FILE` or `--context NAME`'
}

