#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every test_*.c, fuzz_*.c and corpus folder is built and run; the Perl tests
# keep to their bands.

use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die;
my $build = $ENV{ACME_BUILD} || 'build';

# What is not called test_ is what the tests share, linked into all of them.
for my $source (glob 't/unit/test_*.c') {
    my ($name) = $source =~ m{/test_(\w+)\.c$};
    my $program = "$build/unit/$name.t";
    ok(-x $program && -M $program <= -M $source, "$program is built");
}
for my $source (glob 't/fuzz/fuzz_*.c') {
    my ($name) = $source =~ m{/fuzz_(\w+)\.c$};
    ok(-x "$build/fuzz/fuzz_$name", "$source is built");
    ok(scalar(() = glob "t/fuzz/corpus/$name/*"), "$name has a corpus");
}
for my $corpus (glob 't/fuzz/corpus/*') {
    my ($name) = $corpus =~ m{([^/]+)$};
    ok(-e "t/fuzz/fuzz_$name.c", "$corpus has its program");
}
for my $test (glob 't/*.t') {
    like($test, qr{^t/(?:0[0-4]|[1-69]0)-[\w-]+\.t$}, "$test is in a band");
}
for my $text (glob 't/*.t t/unit/test_*.c') {
    open my $fh, '<', $text or die;
    ok(!grep({ /\bTODO\b(?!.*#\d)/ && !/qr|grep|: no TODO/ } <$fh>),
        "$text: no TODO without an issue");
}
done_testing;
