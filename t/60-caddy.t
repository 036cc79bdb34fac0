#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Caddy as a client: several names, http-01 and tls-alpn-01, renewal, all by
# itself, and the certificates that its web server then shows.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Test::More;
use AcmeServer;
use AcmeTool;

AcmeTool->need('caddy');

my $port   = AcmeServer::free_port();
my $server = AcmeServer->new(
    vhost => "ACMEValidationPort tls-alpn-01 $port")->start;
my $tool   = AcmeTool->new(server => $server);
my @names  = ('a.test', 'b.test', 'c.test');
my $file   = "$tool->{dir}/Caddyfile";
my %kind   = (map({ ($_ => 'EC') } @names), 'd.test' => 'RSA');

# EC keys for these names, and when all are there, an RSA key for d.test.
sub configure {
    my (@ec) = @_;
    my $rsa = @ec == @names ? <<'EOT' : '';
d.test {
    tls {
        key_type rsa2048
        issuer acme {
            disable_http_challenge
        }
    }
    respond "hello"
}
EOT
    AcmeServer::write_file($file, <<"EOT");
{
    admin off
    acme_ca $server->{directory}
    acme_ca_root $tool->{roots}
    email admin\@a.test
    default_bind 127.0.0.1
    http_port $server->{http01_port}
    https_port $port
}
@{[join ', ', @ec]} {
    tls {
        issuer acme {
            disable_tlsalpn_challenge
        }
    }
    respond "hello"
}
$rsa
EOT
}

# Start Caddy; wait until it has said this so many times; look at what it shows
# for these names.  Serials.
sub serve {
    my ($what, $config, $message, $times, @shown) = @_;
    my $pid = $tool->spawn('caddy', 'run', '--config', $config);
    my $log = $tool->{output};
    my $done = AcmeServer::wait_for(30, sub {
        my @said = AcmeServer::read_file($log) =~ /"msg":"\Q$message\E"/g;
        return @said >= $times ? 1 : undef;
    });
    ok($done, "Caddy says: $message") or diag AcmeServer::read_file($log);
    my %serial = map { ($_ => shown($what, $_)) } @shown;
    kill 'TERM', $pid;
    is(AcmeTool::stop($pid), 0, 'Caddy stops');
    return %serial;
}

# It has the certificate, but may need a moment to show it.
sub shown {
    my ($what, $name) = @_;
    my $chain;
    AcmeServer::wait_for(20, sub {
        $chain = $tool->served($port, $name);
        return -s $chain ? 1 : undef;
    });
    return $tool->certificate_ok("$what for $name is good", $chain,
        names => [$name], kind => $kind{$name});
}

# Caddy renews in the last third of a certificate's life; here in all of it.
sub renew_always {
    my ($status, $text) = $tool->run('caddy', 'adapt', '--config', $file);
    my ($line) = $text =~ /^(\{.*\})$/m;
    my $json   = JSON::PP->new->utf8;
    my $config = $json->decode($line);
    $_->{renewal_window_ratio} = 1
        for @{ $config->{apps}{tls}{automation}{policies} };
    AcmeServer::write_file("$tool->{dir}/renew.json", $json->encode($config));
    return "$tool->{dir}/renew.json";
}

# One name first: Caddy mixes up its files when several names register at once.
my $obtained = 'certificate obtained successfully';
my @all = sort keys %kind;
configure('a.test');
serve('the certificate', $file, $obtained, 1, 'a.test');
configure(@names);
my %first = serve('the certificate', $file, $obtained, 3, @all);
my %second = serve('the renewed certificate', renew_always(),
    'replaced certificate in cache', 4, @all);
isnt($second{$_}, $first{$_}, "$_ has another one") for @all;

is_deeply([$tool->proofs('tls-alpn-01')], ['d.test'],
    'T83: d.test was proven by tls-alpn-01');
is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
