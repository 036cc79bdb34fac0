#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The problem types are those of RFC 8555 6.7 that this server can use, and one
# more, invalidProfile (T27).

use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die;
my @rfc = qw(accountDoesNotExist alreadyRevoked badCSR badNonce badPublicKey
    badRevocationReason badSignatureAlgorithm caa compound connection dns
    externalAccountRequired incorrectResponse invalidContact malformed
    orderNotReady rateLimited rejectedIdentifier serverInternal tls
    unauthorized unsupportedContact unsupportedIdentifier userActionRequired);

open my $fh, '<', 'src/base/problem.h' or die;
my $text = do { local $/; <$fh> };
my @rows = $text =~ /^\s+X\((\w+, "\w+", \d+)\)/mg;
my (%status, @names);
for (@rows) {
    my ($symbol, $name, $status) = /(\w+), "(\w+)", (\d+)/;
    (my $words = $name) =~ s/([a-z])([A-Z])/$1_$2/g;
    is($symbol, uc $words, "$name: symbol");
    ok($status =~ /^(?:4\d\d|500)$/, "$name: status $status");
    push @names, $name;
}
# RFC 9773 7.4; draft-ietf-acme-profiles.
is_deeply([sort @names], [sort @rfc, qw(alreadyReplaced invalidProfile)],
    'T27 the list');
done_testing;
