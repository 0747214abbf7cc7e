#!/bin/sh
# Installs one node's part of a certferry bundle where there is no certferry: with a shell, awk, sed, cmp, tar, gzip, the
# coreutils and openssl (1.0.2 or later). `sh install.sh --help` has the usage.
#
# Prove this file before you run it, with the signer's public key that was on the node before:
#
#   openssl dgst -sha256 -verify prod-1.pub -signature install.sh.sig install.sh && sh install.sh ...
#
# What it promises. Nothing is touched before everything is verified: signatures, every header of the archive, every hash.
# No file is ever torn. Each unit (the folder pki, each kubeconfig, the kubelet's folder pki; where a folder cannot be known to
# be renamed, each file in it) is old or new, but a shell cannot exchange two names in one step as `certferry apply` does: it
# takes two renames, and between them the unit is not there. After a power failure in that moment it stays away until the next
# run of this script, or of certferry, completes what the journal says. The generation before is kept whole for --rollback.
#
# The state on the node is that of the manual's chapter `formats`, section "State on a node": this script and certferry
# complete and roll back each other's runs. Exit codes: 0 done, 1 the check says no, 2 it could not run.

# Conditions below are `A && B || stop`, where stop does not return; backticks stand in messages for people.
# shellcheck disable=SC2015,SC2016

set -u
umask 077
LC_ALL=C
export LC_ALL
# What would change the behaviour of the tools below.
unset CDPATH TAR_OPTIONS GZIP POSIXLY_CORRECT
IFS=' 	
'
LF='
'

