#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# T71: certbot and lego choose among chains, by the name of the root.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeClient;
use AcmeOperator;
use AcmeServer;
use AcmeTool;

AcmeTool->need('certbot', 'lego');

my $root  = authority('First Root');
my $corp  = authority('Chain CA', by => $root);
my $other = authority('Second Root');
my $cross = authority('Chain CA', same => $corp, by => $other);
my $dir   = AcmeServer::tempdir();
AcmeServer::write_file("$dir/chain", $corp->{pem} . $root->{pem});
AcmeServer::write_file("$dir/cross", $cross->{pem} . $other->{pem});

my $server = AcmeServer->new(vhost => <<"EOT")->start;
<ACMEIssuer corp>
    ACMEIssuerCertificate $dir/chain
    ACMEIssuerKey $corp->{key}
    ACMEIssuerAlternate $dir/cross
</ACMEIssuer>
<ACMEProfile web>
    ACMEProfileIssuer corp
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT
my $url  = "$server->{base}/acme/web/directory";
my $tool = AcmeTool->new(server => $server, env => {
    REQUESTS_CA_BUNDLE => 'ROOTS', LEGO_CA_CERTIFICATES => 'ROOTS' });
my $http = "127.0.0.1:$server->{http01_port}";

sub certbot {
    my ($name, @chain) = @_;
    my $home = "$tool->{dir}/certbot";
    $tool->run_ok("certbot gets $name", 'certbot', '-n', 'certonly',
        '--config-dir', $home, '--work-dir', "$home/work", '--logs-dir',
        "$home/log", '--standalone', '--http-01-address', '127.0.0.1',
        '--http-01-port', $server->{http01_port}, '--server', $url,
        '--agree-tos', '--register-unsafely-without-email', '-d', $name,
        map { ('--preferred-chain', $_) } @chain);
    return "$home/live/$name/fullchain.pem";
}

sub lego {
    my ($name, @chain) = @_;
    $tool->run_ok("lego gets $name", 'lego', '--server', $url,
        '--accept-tos', '--email', 'admin@a.test', '--path',
        "$tool->{dir}/lego", '--http', '--http.port', $http, '--domains',
        $name, 'run', map { ('--preferred-chain', $_) } @chain);
    return "$tool->{dir}/lego/certificates/$name.crt";
}

# Its second certificate, and what openssl says with this root.
sub chain_ok {
    my ($what, $file, $issuer, $authority) = @_;
    my ($leaf, @rest) = AcmeServer::read_file($file)
        =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg;
    is_deeply(\@rest, [$issuer->{pem}], "$what: its chain is the wanted one");
    AcmeServer::write_file("$dir/leaf", $leaf // '');
    my $said = eval { AcmeClient::run('openssl', 'verify', '-x509_strict',
        '-no-CApath', '-no-CAstore', '-CAfile', $authority->{cert},
        '-untrusted', $issuer->{cert}, "$dir/leaf") } // '';
    like($said, qr/: OK$/m, "$what: and leads to $authority->{name}");
}

chain_ok('certbot', certbot('a.test'), $corp, $root);
chain_ok('certbot --preferred-chain', certbot('b.test', 'Second Root'),
    $cross, $other);
chain_ok('certbot, and there is no such chain', certbot('c.test', 'No Root'),
    $corp, $root);
chain_ok('lego', lego('d.test'), $corp, $root);
chain_ok('lego --preferred-chain', lego('e.test', 'Second Root'), $cross,
    $other);

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
