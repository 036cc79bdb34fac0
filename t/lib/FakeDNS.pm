# SPDX-License-Identifier: Apache-2.0
package FakeDNS;

# A name server on loopback, UDP and TCP, in a child process.  Without zones it
# answers like a resolver; with zones it has authority for them, and refuses
# what is outside.

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use JSON::PP;
use POSIX ();
use Socket qw(inet_pton AF_INET AF_INET6);
use Time::HiRes qw(sleep stat);
use parent 'AcmeChild';

use AcmeServer;

my %rcode = (NXDOMAIN => 3, SERVFAIL => 2, REFUSED => 5);
my %type = (A => 1, NS => 2, CNAME => 5, SOA => 6, TXT => 16, AAAA => 28,
    CAA => 257);
my %type_name = reverse %type;
my $json = JSON::PP->new->canonical;

# address, port: where it listens.  zones: [names].  above: [names], the zones
# whose SOA comes with a resolver's "no"; '' is the root.  names: {name =>
# what}; others do not exist.  What is
#   [addresses]    A and AAAA
#   'WORD'         NXDOMAIN, SERVFAIL, REFUSED; HANG never answers
#   {TXT => [...], A => [...], AAAA, NS, CNAME => 'name', SOA, CAA => [octets]}
# A TXT value that is a list is one record of several strings.  {do => [...]}
# beside them: 'cut' (truncated by UDP), 'slow' (a second late), 'lie' (the
# answer has another name), 'stray' (another id comes first), 'lame' (no
# authority), 'refer' (NS as a referral), 'turns' (one record at a time, each
# time another one).
sub new {
    my ($class, %o) = @_;
    my $self = bless { names => {}, address => '127.0.0.1', %o,
        dir => AcmeServer::tempdir() }, $class;
    $self->listen;
    $self->write;
    $self->begin(sub { $SIG{CHLD} = 'IGNORE'; $self->serve });
    close $self->{$_} for qw(udp tcp);
    return $self;
}

# One port for both.
sub listen {
    my ($self) = @_;
    for (1 .. 50) {
        my $port = $self->{port} || AcmeServer::free_port();
        my %at = (LocalAddr => $self->{address}, LocalPort => $port);
        $self->{udp} = IO::Socket::IP->new(Proto => 'udp', %at);
        $self->{tcp} = IO::Socket::IP->new(Listen => 64, ReuseAddr => 1, %at);
        next if !$self->{udp} || !$self->{tcp};
        $self->{port} = $port;
        return;
    }
    die "no port for a name server at $self->{address}: $!\n";
}

# What ACMEResolver takes.
sub server {
    my ($self) = @_;
    return $self->{address} =~ /:/ ? "[$self->{address}]:$self->{port}"
        : "$self->{address}:$self->{port}";
}

# From now on it says this about name; undef: there is no such name any more.
sub put {
    my ($self, $name, $what) = @_;
    $self->{names}{$name} = $what;
    delete $self->{names}{$name} if !defined $what;
    $self->write;
}

sub write {
    my ($self) = @_;
    AcmeServer::write_file("$self->{dir}/new", $json->encode($self->{names}));
    rename "$self->{dir}/new", "$self->{dir}/names" or die $!;
}

# What was asked so far: "udp a.test TXT".
sub questions {
    return split /\n/, AcmeServer::read_file("$_[0]{dir}/questions");
}

sub names {
    my ($self) = @_;
    my $version = join ' ', (stat "$self->{dir}/names")[1, 7, 9, 10];
    if ($version ne ($self->{version} // '')) {
        $self->{names}
            = $json->decode(AcmeServer::read_file("$self->{dir}/names"));
        $self->{version} = $version;
    }
    return $self->{names};
}

sub serve {
    my ($self) = @_;
    my $select = IO::Select->new(@$self{qw(udp tcp)});
    while (1) {
        for my $socket ($select->can_read) {
            $socket == $self->{udp} ? $self->serve_udp : $self->serve_tcp;
        }
    }
}

sub serve_udp {
    my ($self) = @_;
    my $from = $self->{udp}->recv(my $packet, 1500) // return;
    my ($reply, @do) = $self->reply($packet, 'udp');
    return if !defined $reply;
    my %do = map { $_ => 1 } @do;
    return if $do{slow} && fork;
    sleep 1 if $do{slow};
    $self->{udp}->send(~substr($reply, 0, 2) . substr($reply, 2), 0, $from)
        if $do{stray};
    $self->{udp}->send($reply, 0, $from);
    POSIX::_exit(0) if $do{slow};
}

sub serve_tcp {
    my ($self) = @_;
    my $client = $self->{tcp}->accept or return;
    return if fork;
    local $SIG{ALRM} = sub { POSIX::_exit(0) };
    alarm 10;
    read $client, my $len, 2;
    read $client, my $packet, unpack 'n', $len;
    my ($reply) = $self->reply($packet, 'tcp');
    syswrite $client, pack 'n/a*', $reply if defined $reply;
    POSIX::_exit(0);
}

sub wire_name {
    return join('', map { pack 'C/a*', $_ } split /\./, $_[0]) . "\0";
}

# A record as octets.
sub record {
    my ($name, $type, $data) = @_;
    return wire_name($name) . pack 'n2 N n/a*', $type{$type}, 1, 60, $data;
}

sub data {
    my ($type, $value) = @_;
    return inet_pton($type eq 'A' ? AF_INET : AF_INET6, $value)
        if $type =~ /^A/;
    return join '', map { pack 'C/a*', $_ } ref $value ? @$value : $value
        if $type eq 'TXT';
    return $value if $type eq 'CAA';
    return wire_name($value) . ($type eq 'SOA'
        ? wire_name('hostmaster') . pack('N5', 1 .. 5) : '');
}

# The records of this type, aliases followed as a resolver does: (rcode, answer
# records, what is to be done).
sub find {
    my ($self, $name, $type, $depth) = @_;
    my $what = $self->names->{$name} // return (3);
    return ($rcode{$what} // 'HANG') if !ref $what;
    $what = { (map { $_ => $what } 'A', 'AAAA') } if ref $what eq 'ARRAY';
    my @do = @{ $what->{do} // [] };
    if (defined $what->{CNAME} && $type ne 'CNAME') {
        my ($code, $more) = $self->{zones} || $depth > 12 ? (0, [])
            : $self->find($what->{CNAME}, $type, $depth + 1);
        return ($code, [record($name, 'CNAME', wire_name($what->{CNAME})),
            @{ $more // [] }], @do);
    }
    my $owner  = (grep { $_ eq 'lie' } @do) ? 'someone.else.test' : $name;
    my @values = grep { $type !~ /^A/ || (/:/ ? 'AAAA' : 'A') eq $type }
        map { ref $what->{$_} ? @{ $what->{$_} } : $what->{$_} // () } $type;
    @values = $values[$self->{turns}{"$name $type"}++ % @values]
        if @values && grep { $_ eq 'turns' } @do;
    return (0, [map { record($owner, $type, data($type, $_)) } @values], @do);
}

# The zone that name is in, this server's or a resolver's; undef: none.
sub zone_of {
    my ($self, $name) = @_;
    return (sort { length $b <=> length $a }
        grep { $_ eq '' || ".$name" =~ /\.\Q$_\E$/ }
        @{ $self->{zones} // $self->{above} // [] })[0];
}

# A delegation on the way to name: its records.
sub referral {
    my ($self, $name) = @_;
    my $at = $name;
    do {
        my $what = $self->names->{$at};
        return map { record($at, 'NS', data('NS', $_)) } @{ $what->{NS} }
            if ref $what eq 'HASH' && grep { $_ eq 'refer' } @{ $what->{do} };
    } while $at =~ s/^[^.]*\.//;
    return;
}

sub reply {
    my ($self, $packet, $way) = @_;
    my ($id, $flags) = unpack 'nn', $packet;
    my ($at, @labels) = (12);
    while (my $len = unpack "x$at C", $packet) {
        push @labels, substr $packet, $at + 1, $len;
        $at += $len + 1;
    }
    my $question = substr $packet, 12, $at + 5 - 12;
    my $number = unpack 'n', substr $question, -4;
    my ($name, $type) = (lc join('.', @labels), $type_name{$number} // 'A');
    open my $log, '>>', "$self->{dir}/questions";
    syswrite $log, "$way $name $type\n";
    my ($code, $answers, @do) = $self->find($name, $type, 0);
    return if $code eq 'HANG';
    my $zone = $self->zone_of($name);
    my @referral;
    if ($self->{zones}) {
        @referral = $self->referral($name);
        $code     = 5 if !defined $zone;
    }
    my %do = map { $_ => 1 } @do;
    my @authority = @referral ? @referral
        : defined $zone && !@{ $answers // [] }
        ? record($zone, 'SOA', data('SOA', "ns.$zone")) : ();
    $answers = [] if @referral || ($do{cut} && $way eq 'udp');
    my $bits = 0x8080 | $flags & 0x100 | (@referral ? 0 : $code);
    $bits |= 0x400 if !@referral && !$do{lame};
    $bits |= 0x200 if $do{cut} && $way eq 'udp';
    return (pack('n6', $id, $bits, 1, scalar @{ $answers // [] },
            scalar @authority, 0)
        . $question . join('', @{ $answers // [] }, @authority), @do);
}

1;
