#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The unit tests of the store, and those that drive the whole protocol without a
# server, once more on PostgreSQL.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmePostgres;
use AcmeSkip;

skip_file('no PostgreSQL is here') unless AcmePostgres::is_here();

# What has no other engine to run on.
my %sqlite = map { $_ => 1 } qw(store store_backup store_commit store_file
    store_queue store_schema store_schema_2);

my $build = $ENV{ACME_BUILD} || "$FindBin::Bin/../build";
my $database = AcmePostgres->new(settings => "fsync = off\n");
my @programs = grep { m{/(\w+)\.t$} && !$sqlite{$1} }
    glob "$build/unit/{store*,acme_*}.t";

$ENV{ACME_TEST_PGSQL} = $database->conninfo;
cmp_ok(scalar @programs, '>', 40, 'programs to run');

# Two at a time; the slow ones begin.
sub size { return -s $_[0] }
my @left = sort { size($b) <=> size($a) } @programs;
my %runs;
while (@left || %runs) {
    while (@left && keys %runs < 2) {
        my $program = shift @left;
        my $pid = open my $out, '-|', "$program 2>&1" or die $!;
        $runs{$pid} = [$program, $out];
    }
    my ($pid) = sort { $a <=> $b } keys %runs;
    my ($program, $out) = @{ delete $runs{$pid} };
    my @lines = <$out>;
    close $out;
    my ($name) = $program =~ m{/(\w+)\.t$};
    ok($? == 0 && !grep({ /^not ok/ } @lines) && grep({ /^1\.\./ } @lines),
        "$name on PostgreSQL") or diag @lines;
}
done_testing;
