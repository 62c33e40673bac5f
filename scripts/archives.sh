#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the two archives that a program of preset release wants and Debian has none of: libcurl (Debian's own is
# built for LDAP, Kerberos, SSH and more, of which there are no archives) and cJSON. From the source packages of the
# distribution, with its fixes, in the version that is installed (docs/design/008). They are kept in
# ~/.cache/koupleless; the last line of the output is their folder. Without the sources it ends with 1 and says why.
#
#   scripts/archives.sh
set -euo pipefail
self=$(realpath "$0")

# VERSION of the source package that the installed PACKAGE comes from.
# shellcheck disable=SC2016 # dpkg-query fills in the field
source_version()
{
    dpkg-query -W -f '${source:Version}' "$1" 2> /dev/null
}

fail()
{
    echo "archives: $*" >&2
    exit 1
}

command -v dpkg-source > /dev/null || fail "needs dpkg-dev, which unpacks source packages"
curl=$(source_version libcurl4-openssl-dev) || fail "libcurl4-openssl-dev is not installed"
cjson=$(source_version libcjson-dev) || fail "libcjson-dev is not installed"
cc=${CC:-cc}
flags=(-O2 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=2)
key=$({ cat "$self"; echo "$curl $cjson"; "$cc" --version; } | sha256sum | cut -c1-16)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/koupleless/archives/$key
if [ -e "$folder/libcurl.a" ] && [ -e "$folder/libcjson.a" ]; then
    echo "$folder"
    exit 0
fi

echo "archives: libcurl $curl and cJSON $cjson from their sources, once" >&2
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$work/log
cd "$work"

# apt with folders of its own, for anybody: the configured places, asked for sources instead of programs.
mkdir -p apt/parts apt/lists/partial apt/cache/archives/partial
shopt -s nullglob
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -e "$list" ] || sed -n 's/^deb /deb-src /p' "$list" > "apt/parts/$(basename "$list" .list).list"
done
for list in /etc/apt/sources.list.d/*.sources; do
    sed 's/^Types:.*/Types: deb-src/' "$list" > "apt/parts/$(basename "$list")"
done
of_sources()
{
    apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt/parts" \
        -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o APT::Sandbox::User=root "$@" \
        >> "$log" 2>&1
}
of_sources update || fail "no list of sources: $(tail -n 1 "$log")"
of_sources source "curl=$curl" "cjson=$cjson" || fail "no sources: $(tail -n 1 "$log")"

# Of curl only what lib/http asks for: HTTP/1.1 and 2, TLS, files, proxies.
off=()
for what in DICT FTP GOPHER IMAP LDAP LDAPS MQTT POP3 RTSP SMB SMTP TELNET TFTP NTLM COOKIES HSTS ALTSVC DOH MIME; do
    off+=("-DCURL_DISABLE_$what=ON")
done
for what in CURL_USE_LIBPSL CURL_USE_LIBSSH2 CURL_USE_GSSAPI USE_LIBIDN2 CURL_BROTLI CURL_ZSTD BUILD_CURL_EXE \
    BUILD_SHARED_LIBS BUILD_TESTING ENABLE_MANUAL CURL_ENABLE_EXPORT_TARGET; do
    off+=("-D$what=OFF")
done
{
    cmake -G Ninja -S curl-*/ -B curl-build -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="${flags[*]}" \
        -DCURL_USE_OPENSSL=ON -DUSE_NGHTTP2=ON "${off[@]}" \
        -DCURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt -DCURL_CA_PATH=/etc/ssl/certs &&
        cmake --build curl-build --target libcurl &&
        "$cc" "${flags[@]}" -c cjson-*/cJSON.c -o cJSON.o && ar rcs libcjson.a cJSON.o
} >> "$log" 2>&1 || { tail -n 40 "$log" >&2; fail "does not build"; }

mkdir ready
cp curl-build/lib/libcurl.a libcjson.a ready/
# Where two build at once the first one counts; the other is the same.
mv -T ready "$folder" 2> /dev/null || [ -e "$folder/libcurl.a" ]
echo "$folder"
