#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The fuzz programs take their corpus without a crash, and there is one.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeSkip;

chdir "$FindBin::Bin/.." or die;
my $build = $ENV{ACME_BUILD} || 'build';
my @programs = glob 't/fuzz/fuzz_*.c';
skip_file 'no fuzz program yet' if !@programs;

for (@programs) {
    my ($name) = m{/fuzz_(\w+)\.c$};
    my @corpus = glob "t/fuzz/corpus/$name/*";
    my $out = `$build/fuzz/fuzz_$name t/fuzz/corpus/$name 2>&1` // '';
    is($?, 0, "$name takes its corpus") or diag $out;
    my ($count) = $out =~ /(\d+) replayed/;
    is($count, scalar @corpus, "$name replayed all of it");
    cmp_ok($count || 0, '>', 0, "$name has replayed something");
}
done_testing;
