#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every skip goes through t/lib/AcmeSkip.pm and is in t/skips, and what is there
# is still skipped by somebody.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeSkip;

chdir $FindBin::Bin or die;
sub text { open my $fh, '<', $_[0] or die "$_[0]: $!"; local $/; return <$fh> }

my $own = qr/\bskip\s*\(?\s*['"\$]|\bskip_all\b/;
for my $file (glob '*.t lib/*.pm interop/*.pl') {
    next if $file eq '02-skips.t' || $file eq 'lib/AcmeSkip.pm';
    unlike(text($file), $own, "$file: skips through AcmeSkip only");
}

my @rows = AcmeSkip::rows();
cmp_ok(scalar @rows, '>', 10, 't/skips has rows');
for (@rows) {
    my ($file, $place, $pattern) = @$_;
    like($place, qr/^(?:anywhere|elsewhere)$/, "$file: $place");
    my ($path) = grep { -e } $file, "interop/$file";
    my $text = $path ? text($path) : '';
    my $words = $pattern =~ s/\.\*$//r;
    ok($text =~ /skip_(?:here|file)\b.*?\Q$words\E/s
        || ($pattern =~ /^\\S\+/ && $text =~ /skip_here|AcmeTool->need/),
        "$file skips: $pattern");
}

# What a test that skips comes to, by its name, reason and place.
sub skipping {
    my ($name, $reason, %env) = @_;
    local @ENV{qw(CI ACME_CHECK)} = map { $_ // '' } @env{qw(CI ACME_CHECK)};
    my @cmd = ($^X, '-Ilib', '-MAcmeSkip', '-e',
        'open STDERR, ">&", *STDOUT; $0 = shift; skip_file(shift)');
    open my $fh, '-|', @cmd, "t/$name", $reason or die "perl: $!";
    my $said = do { local $/; <$fh> };
    close $fh;
    return $? ? $said : 'skips';
}
for my $file (map { s{.*/}{}r } glob 'interop/*.pl') {
    is(skipping($file, 'x is not here; so'), 'skips',
        "$file: not every client is to be had");
}
my $reason = 'no mod_md in this httpd';
is(skipping('60-mod-md.t', $reason), 'skips', 'what is listed is skipped');
like(skipping('60-mod-md.t', $reason, CI => 'true'), qr/must not skip here/,
    'but not in CI');
like(skipping('60-mod-md.t', $reason, ACME_CHECK => 1), qr/must not skip here/,
    'and not in make check');
is(skipping('10-acmectl.t', 'not root: no other owner', CI => 'true'), 'skips',
    'what can be nowhere else is skipped in CI, too');
like(skipping('60-mod-md.t', 'no idea'), qr/must not skip here: no idea/,
    'what is not listed is not');
like(skipping('10-load.t', $reason), qr/must not skip here/,
    'nor by another file');
done_testing;
