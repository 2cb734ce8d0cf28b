#!/bin/sh
# Generates configure and Makefile.in from configure.ac and Makefile.am.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux
autoreconf --install --force --warnings=all
# configure's tests remove a file named "core", and complain when core/ is a folder of the build.
sed 's/rm -f core conftest/rm -f conftest/g' configure > configure.tmp
cat configure.tmp > configure
rm configure.tmp
