#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The code looks as .clang-format says; no tabs, no line over 80 columns.

use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die;
my @c    = glob 'mod_acme_server.c src/*/*.[ch] t/unit/*.[ch] t/fuzz/*.[ch] '
    . 't/bench/*.[ch] t/preload/*.c';
my @text = (@c, glob '.ci/run support/* t/*.t t/lib/*.pm t/faults/*');

@c = grep { -e } @c;
for my $file (@c) {
    my $diff = `clang-format --dry-run $file 2>&1`;
    is($diff, '', "$file is formatted (make -f Makefile.apxs format)");
}
for my $file (grep { -f } @text) {
    open my $fh, '<:encoding(UTF-8)', $file or die "$file: $!";
    my @bad;
    while (<$fh>) {
        chomp;
        push @bad, "$file:$.: tab"           if /\t/;
        push @bad, "$file:$.: blanks at end" if /\s$/;
        push @bad, "$file:$.: over 80 columns"
            if length > 80 && !/^ *"|CustomLog/; # long strings stay whole
    }
    ok(!@bad, "$file: no tab, no blanks at end, 80 columns")
        or diag join "\n", @bad;
    open $fh, '<', $file;
    my $top = join '', map { scalar(<$fh>) // '' } 1 .. 3;
    like($top, qr/SPDX-License-Identifier: Apache-2\.0/, "$file: licence");
}
done_testing;
