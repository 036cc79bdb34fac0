#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# dns-01 by real clients against BIND, whose zone they update (RFC 2136):
# certbot with its plugin, lego, dehydrated with a hook; wildcards, renewal.
# And against Knot, which signs what they publish.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeKnot;
use AcmeNamed;
use AcmeServer;
use AcmeTool;

AcmeTool->need(qw(named knotd keymgr dig nsupdate certbot lego dehydrated));
AcmeTool->need_library('python3-certbot-dns-rfc2136', 'python3', '-c',
    'import certbot_dns_rfc2136');

# The delegated zone is another one for clients that look for its SOA.
my @zones = ('corp.test', 'acme.corp.test');
my $dns = AcmeNamed->new(zones => \@zones);
my $server = AcmeServer->new(vhost => vhost(''))->start;

sub vhost {
    my ($more) = @_;
    return <<"EOT";
ACMEResolver @{[$dns->server]}
ACMEValidationPort dns-01 $dns->{port}
$more
<ACMEPolicy corp>
    ACMEPolicySAN dns allow **.corp.test corp.test wildcard:*.corp.test
    ACMEPolicySAN dns allow wildcard:*.acme.corp.test
</ACMEPolicy>
<ACMEProfile corp>
    ACMEProfilePolicy     corp
    ACMEProfileChallenges dns-01
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile corp
EOT
}

sub certbot {
    my $tool = AcmeTool->new(server => $server,
        env => { REQUESTS_CA_BUNDLE => 'ROOTS' });
    my $dir = "$tool->{dir}/certbot";
    AcmeServer::write_file("$tool->{dir}/rfc2136.ini", <<"EOT");
dns_rfc2136_server = 127.0.0.1
dns_rfc2136_port = $dns->{port}
dns_rfc2136_name = $dns->{key_name}
dns_rfc2136_secret = $dns->{secret}
dns_rfc2136_algorithm = HMAC-SHA256
EOT
    chmod 0600, "$tool->{dir}/rfc2136.ini";
    my @base = ('certbot', '-n', '--config-dir', $dir, '--work-dir',
        "$dir/work", '--logs-dir', "$dir/log");
    my @names = ('*.corp.test', 'corp.test', 'www.acme.corp.test');
    $tool->run_ok('T80 T48 certbot gets a wildcard', @base, 'certonly',
        '--server', $server->{directory}, '--agree-tos',
        '--register-unsafely-without-email', '--dns-rfc2136',
        '--dns-rfc2136-credentials', "$tool->{dir}/rfc2136.ini",
        '--dns-rfc2136-propagation-seconds', 0, map { ('-d', $_) } @names);
    my $live = "$dir/live/corp.test";
    my $serial = $tool->certificate_ok('it is good', "$live/fullchain.pem",
        names => \@names, key => "$live/privkey.pem");
    $tool->run_ok('certbot renews it', @base, 'renew', '--force-renewal',
        '--no-random-sleep-on-renew', '--cert-name', 'corp.test');
    isnt($tool->certificate_ok('it is good', "$live/fullchain.pem",
        names => \@names, key => "$live/privkey.pem"), $serial, 'and new');
    is_deeply([$tool->refused], [], 'no request was refused');
}

sub lego {
    my $tool = AcmeTool->new(server => $server, env => {
        LEGO_CA_CERTIFICATES => 'ROOTS',
        RFC2136_NAMESERVER   => $dns->server,
        RFC2136_TSIG_KEY     => $dns->{key_name},
        RFC2136_TSIG_SECRET  => $dns->{secret},
        RFC2136_TSIG_ALGORITHM => 'hmac-sha256.',
        RFC2136_SEQUENCE_INTERVAL => 1, RFC2136_POLLING_INTERVAL => 1 });
    my @names = ('*.acme.corp.test', 'acme.corp.test');
    $tool->run_ok('T80 T48 lego gets a wildcard', 'lego', '--server',
        $server->{directory}, '--accept-tos', '--email', 'a@corp.test',
        '--path', "$tool->{dir}/lego", '--dns', 'rfc2136', '--dns.resolvers',
        $dns->server, '--dns.disable-cp', (map { ('--domains', $_) } @names),
        'run');
    $tool->certificate_ok('it is good',
        "$tool->{dir}/lego/certificates/_.acme.corp.test.crt",
        names => \@names,
        key => "$tool->{dir}/lego/certificates/_.acme.corp.test.key");
    is_deeply([$tool->refused], [], 'no request was refused');
}

sub dehydrated {
    my $tool = AcmeTool->new(server => $server,
        env => { CURL_CA_BUNDLE => 'ROOTS' });
    AcmeServer::write_file("$tool->{dir}/hook", <<"EOT");
#!/bin/sh
case \$1 in
deploy_challenge) what="add _acme-challenge.\$2. 60 TXT \\"\$4\\"" ;;
clean_challenge) what="delete _acme-challenge.\$2. TXT \\"\$4\\"" ;;
*) exit 0 ;;
esac
printf 'server 127.0.0.1 $dns->{port}\\nupdate %s\\nsend\\n' "\$what" |
    nsupdate -k $dns->{key_file}
EOT
    chmod 0755, "$tool->{dir}/hook";
    AcmeServer::write_file("$tool->{dir}/config.sh", <<"EOT");
CA="$server->{directory}"
BASEDIR="$tool->{dir}"
CHALLENGETYPE=dns-01
HOOK="$tool->{dir}/hook"
KEYSIZE=2048
EOT
    my @base = ('dehydrated', '--config', "$tool->{dir}/config.sh");
    $tool->run_ok('dehydrated registers', @base, '--register',
        '--accept-terms');
    my @names = ('a.corp.test', '*.corp.test');
    $tool->run_ok('T80 T48 dehydrated gets a wildcard', @base, '-c', '--algo',
        'secp384r1', map { ('-d', $_) } @names);
    my $dir = "$tool->{dir}/certs/a.corp.test";
    $tool->certificate_ok('it is good', "$dir/fullchain.pem",
        names => \@names, kind => 'EC', key => "$dir/privkey.pem");
    unlike($dns->dig('_acme-challenge.a.corp.test', 'TXT'),
        qr/ANSWER SECTION/, 'its record is gone');
    is_deeply([$tool->refused], [], 'no request was refused');
}

certbot();
lego();
dehydrated();

$dns->stop;
$dns = AcmeKnot->new(zones => \@zones, signed => \@zones);
my $anchor = AcmeServer::tempdir() . '/anchors';
AcmeServer::write_file($anchor, join '', map { $dns->anchor($_) } @zones);
$server->configure(vhost => vhost(<<"EOT"))->graceful;
ACMEResolverDNSSEC on
ACMEResolverTrustAnchor $anchor
EOT
certbot();
lego();
$server->finish;
done_testing;
