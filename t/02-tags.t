#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Log tags are permanent: each is in one place of the code and in the list
# t/tags; a place that goes leaves its tag there, marked "gone", for good.
# Messages of level info and above have one.

use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die;
my %place;
for my $file (glob 'mod_acme_server.c src/*/*.c') {
    open my $fh, '<', $file or next;
    my $text = do { local $/; <$fh> };
    while ($text =~ /"(AS\d{4})\b/g) { push @{ $place{$1} }, $file }
    while ($text =~ /\blog_write\s*\(([^;]*?)\)\s*;/gs) {
        my $call = $1;
        next if $call !~ /LOG_LEVEL_(?:CRIT|ERROR|WARNING|NOTICE|INFO)/;
        like($call, qr/"AS\d{4}"|\btag\b/, "$file: a message has its tag");
    }
    while ($text =~ /\bap_log_\w*error\s*\(([^;]*?)\)\s*;/gs) {
        my $call = $1;
        next if $call !~ /APLOG_(?:EMERG|ALERT|CRIT|ERR|WARNING|NOTICE|INFO)\b/;
        like($call, qr/AS\d{4}: |%s/, "$file: a message has its tag");
    }
}

my %listed;
open my $fh, '<', 't/tags' or die "t/tags: $!";
while (<$fh>) {
    next if /^#|^$/;
    my ($tag, $file) = /^(AS\d{4}) (\S+)$/;
    ok($tag, "t/tags:$.: a tag and where it is") or next;
    ok(!$listed{$tag}, "$tag is listed once") if $listed{$tag};
    $listed{$tag} = $file;
}
for my $tag (sort keys %place) {
    is(scalar @{ $place{$tag} }, 1, "$tag is in one place")
        or diag "@{ $place{$tag} }";
    ok($listed{$tag}, "$tag is in t/tags");
    isnt($listed{$tag} // '', 'gone', "$tag is not used again");
}
for my $tag (sort keys %listed) {
    ok($place{$tag}, "$tag is in the code, or gone")
        if $listed{$tag} ne 'gone';
}
done_testing;
