#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# base → {jose, policy, ca, dcv, store} → acme → {httpd, ctl}; the five in the
# middle never include each other (src/README).  SQL is in store/ only, the
# clock is read in clock.c only, the library has no mutable file-scope data.

use strict;
use warnings;
use FindBin;
use Test::More;

my $build;
BEGIN { $build = $ENV{ACME_BUILD} || "$FindBin::Bin/../build" }
chdir "$FindBin::Bin/.." or die;

my @middle = qw(jose policy ca dcv store);
my %may = (
    base => [],
    (map { $_ => ['base'] } @middle),
    acme => ['base', @middle],
    # httpd reaches the siblings through acme's headers, which carry what the
    # directives fill.
    httpd => ['base', 'acme'],
    ctl   => ['base', 'acme', @middle],
);
# Headers by which acme's own hand on a sibling's types to httpd.
my %carried = map { $_ => 1 } qw(ca/ca_auto.h ca/ca_set.h dcv/dcv_loop.h
    store/store_job.h ca/ca_profile.h dcv/dcv_net.h dcv/dcv.h policy/policy.h
    policy/policy_make.h policy/policy_subject.h policy/policy_blocklist.h
    store/store.h);

sub code {
    my ($file) = @_;
    open my $fh, '<', $file or die "$file: $!";
    local $/;
    my $text = <$fh>;
    $text =~ s{/\*.*?\*/}{ my $c = $&; $c =~ s/[^\n]//g; $c }ges;
    return $text;
}

for my $folder (sort keys %may) {
    my %ok = map { $_ => 1 } $folder, @{ $may{$folder} };
    for my $file (glob "src/$folder/*.[ch]") {
        my $text = code($file);
        my @bad;
        for ($text =~ /^#\s*include\s+"([^"]+)"/mg) {
            my ($to) = m{^(\w+)/};
            push @bad, $_
                unless $to && ($ok{$to}
                || $file =~ /\.c$/ && $_ eq substr $file, 4)
                || $folder eq 'httpd' && $carried{$_};
        }
        ok(!@bad, "$file: includes only what its storey may")
            or diag "@bad";
        my @first = $text =~ /^#\s*include\s+["<]([^">]+)/mg;
        if ($file =~ /\.c$/) {
            (my $own = substr $file, 4) =~ s/\.c$/.h/;
            is($first[0], $own, "$file: its own header first")
                if -e "src/$own";
            is($first[-1], 'base/banned.h', "$file: banned.h last");
        }
        unlike($text, qr/"\s*(?:SELECT|INSERT\s+INTO|UPDATE\s+\w+\s+SET
            |DELETE\s+FROM|CREATE\s+TABLE|PRAGMA)\b/x, "$file: no SQL")
            if $folder ne 'store';
        unlike($text, qr/\b(?:apr_time_now|gettimeofday|clock_gettime
            |time)\s*\((?!baton)/x, "$file: does not read the clock")
            if $file ne 'src/base/clock.c' && $folder =~ /^(?!httpd|ctl)/;
    }
}

# Mutable data of the library: symbols in .data and .bss of its objects.
my @objects = glob "$build/obj/{base,jose,policy,ca,dcv,store,acme}/*.o";
ok(scalar @objects, 'objects of the library are there');
for my $object (@objects) {
    # Pointers in const tables are in .data.rel.ro, which is read-only in the
    # end, and gcc -fsanitize adds data of its own.
    my @bad = grep { /^[0-9a-f]+ [lg]\s+O \.(?:data|bss)(?:\.(?!rel\.ro)\S+)?\s/
            && !/\.Lubsan|__asan|\.LASAN|__odr_/ }
        `objdump -t $object`;
    ok(!@bad, "$object: no mutable file-scope data") or diag @bad;
}
done_testing;
