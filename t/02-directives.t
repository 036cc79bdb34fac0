#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A directive is in the command table, has a row in the table of fields, and is
# told of in conf/acme-server.conf with syntax, default and context; and none of
# the three knows one that the others do not.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeServer;

chdir "$FindBin::Bin/.." or die;

sub text { AcmeServer::read_file($_[0]) }
sub set { return { map { $_ => 1 } @_ } }

my %in;
$in{'the command table'}
    = set(text('src/httpd/httpd_cmds.c') =~ /AP_INIT_\w+\(\s*"(<?\w+)"/g);
$in{'the table of fields'}
    = set(text('src/httpd/httpd_conf.c') =~ /^\s*\{"(ACME\w+)[ "]/mg);
# Sections are merged as a whole: their directives have no fields there.
my %section = map { $_ => 1 } grep { /^<|^ACME(?:Issuer|Policy|Profile)/ }
    keys %{ $in{'the command table'} };
delete $section{ACMEIssuerURL};
$in{'the table of fields'}{$_} = 1 for keys %section;

my $reference = text('conf/acme-server.conf');
my %told;
while ($reference =~ /^# (<?ACME\w+)( .*)\n((?:# .*\n)*)#\n# \S/mg) {
    my ($name, $head) = ($1, $3);
    my ($within) = $name =~ /^(ACME(?:Issuer|Policy|Profile))/;
    my $context = $section{$name} && $within ? "<$within>"
        : 'server config, virtual host';
    $told{$name}++;
    like($head, qr/^# Default: \S/m, "$name: its default");
    like($head, qr/^# Context: \Q$context\E(?:, <ACME\w+>)?$/m,
        "$name: its context");
}
$in{'conf/acme-server.conf'} = \%told;
is($told{$_}, 1, "$_: is told of once") for sort keys %told;

my ($status, $list) = AcmeServer->new->command('-L');
is($status, 0, 'httpd lists its directives');
$in{'httpd -L'} = set($list =~ /^(<?\w+) \(mod_acme_server\.c\)/mg);

my %all = map { %$_ } values %in;
cmp_ok(scalar keys %all, '>', 20, 'directives were found');
for my $place (sort keys %in) {
    my @missing = grep { !$in{$place}{$_} } sort keys %all;
    is("@missing", '', "$place has them all");
}

# Defaults that can be compared are those that the library has.
my $server = AcmeServer->new(bare => 1);
($status, my $dump) = $server->command('-t', '-D', 'DUMP_ACME_CONFIG');
my %unit = (d => 86400, s => 1000000);
my %member = (
    ACMEOrderLifetime => 'orderLifetime', ACMEAuthzLifetime => 'authzLifetime',
    ACMERetention => 'retention',
    ACMEFinalizeWait => 'finalizeWait',
    ACMEValidationWait => 'validationWait', ACMEValidationTimeout => 'timeout',
    ACMEValidationMax => 'max', ACMEValidationRetry => 'retry',
    ACMENonceSlots => 'nonceSlots',
    ACMEPath => 'path', ACMEStateDir => 'stateDir',
    ACMETestNonceReject => 'nonceReject', ACMEAuthzReuse => 'authzReuse',
    ACMEValidationUnderscore => 'underscore',
    ACMEDNSAccount => 'dnsAccount', ACMEDNSPersist => 'dnsPersist',
    ACMEResolverDNSSEC => 'dnssec', ACMEResolverTrustAnchor => 'trustAnchor',
    ACMEResolverAuthoritative => 'authoritative',
    ACMEToleratePaddedCSR => 'toleratePaddedCSR',
);
for my $name (sort keys %member) {
    my ($told) = $reference =~ /^# $name .*\n# Default: (.*)$/m;
    $told = $1 * $unit{$2} if $told =~ /^(\d+)([ds])$/;
    $told = $told eq 'on' ? 1 : 0 if $told =~ /^o(n|ff)$/;
    my ($is) = $dump =~ /"$member{$name}": "?([^",\n]+)/;
    is($told, $is, "$name: the default is the true one");
}

# So are those of the rate limits.
my ($table) = $reference =~ /^# ACMERateLimit WHAT(.*?)^$/ms;
my %limit = $table =~ m{^#     ([a-z-]+) .*? (\d+(?:/\d+[dh])?)$}mg;
is(scalar keys %limit, 7, 'ACMERateLimit: a table of limits');
$unit{h} = 3600;
for my $name (sort keys %limit) {
    my ($count, $time, $unit) = $limit{$name} =~ m{^(\d+)(?:/(\d+)(\w))?$};
    my $seconds = $time ? $time * $unit{$unit} : 0;
    like($dump, qr/"$name": \{\s*"count": $count,\s*"seconds": $seconds\s*\}/,
        "ACMERateLimit $name: the default is the true one");
}

# The quickstart is a configuration that works.
$server = AcmeServer->new;
my $conf = text('conf/acme-server-quickstart.conf');
$conf =~ s/\*:443/127.0.0.1:$server->{port}/;
$conf =~ s/\*:80/127.0.0.1:$server->{http_port}/;
($status, my $text) = $server->configure(global => $conf)->syntax;
is($status, 0, 'conf/acme-server-quickstart.conf: no mistake') or diag $text;

like(text('conf/acme_server.load'),
    qr/^# Depends: .*\bssl\b.*\bslotmem_shm\b.*\breqtimeout\b/m,
    'a2enmod enables ssl, slotmem_shm and reqtimeout too');
like(text($_), qr/^\s*RequestReadTimeout handshake=5$/m,
    "H12 $_ limits TLS handshakes") for 'conf/acme_server.conf',
    'conf/acme-server-quickstart.conf', 'README.md';
done_testing;
