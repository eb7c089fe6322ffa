/* MITRE ATT&CK techniques that sensors and sources name: their ids with their official English names
 * (there are no official Japanese ones), and the page of each at MITRE.  Nothing is looked up there
 * by itself. */
import type { Said } from '../words/said';

const NAMES: Record<string, string> = {
  T1001: 'Data Obfuscation',
  T1003: 'OS Credential Dumping',
  T1008: 'Fallback Channels',
  T1018: 'Remote System Discovery',
  T1020: 'Automated Exfiltration',
  T1021: 'Remote Services',
  'T1021.001': 'Remote Desktop Protocol',
  'T1021.002': 'SMB/Windows Admin Shares',
  'T1021.003': 'Distributed Component Object Model',
  'T1021.004': 'SSH',
  'T1021.005': 'VNC',
  'T1021.006': 'Windows Remote Management',
  T1029: 'Scheduled Transfer',
  T1030: 'Data Transfer Size Limits',
  T1040: 'Network Sniffing',
  T1041: 'Exfiltration Over C2 Channel',
  T1046: 'Network Service Discovery',
  T1047: 'Windows Management Instrumentation',
  T1048: 'Exfiltration Over Alternative Protocol',
  'T1048.001': 'Exfiltration Over Symmetric Encrypted Non-C2 Protocol',
  'T1048.002': 'Exfiltration Over Asymmetric Encrypted Non-C2 Protocol',
  'T1048.003': 'Exfiltration Over Unencrypted Non-C2 Protocol',
  T1059: 'Command and Scripting Interpreter',
  T1071: 'Application Layer Protocol',
  'T1071.001': 'Web Protocols',
  'T1071.002': 'File Transfer Protocols',
  'T1071.003': 'Mail Protocols',
  'T1071.004': 'DNS',
  'T1071.005': 'Publish/Subscribe Protocols',
  T1078: 'Valid Accounts',
  T1090: 'Proxy',
  'T1090.001': 'Internal Proxy',
  'T1090.002': 'External Proxy',
  'T1090.003': 'Multi-hop Proxy',
  'T1090.004': 'Domain Fronting',
  T1095: 'Non-Application Layer Protocol',
  T1102: 'Web Service',
  T1104: 'Multi-Stage Channels',
  T1105: 'Ingress Tool Transfer',
  T1110: 'Brute Force',
  'T1110.001': 'Password Guessing',
  'T1110.003': 'Password Spraying',
  'T1110.004': 'Credential Stuffing',
  T1132: 'Data Encoding',
  T1133: 'External Remote Services',
  T1135: 'Network Share Discovery',
  T1187: 'Forced Authentication',
  T1189: 'Drive-by Compromise',
  T1190: 'Exploit Public-Facing Application',
  T1203: 'Exploitation for Client Execution',
  T1204: 'User Execution',
  T1210: 'Exploitation of Remote Services',
  T1486: 'Data Encrypted for Impact',
  T1496: 'Resource Hijacking',
  T1498: 'Network Denial of Service',
  'T1498.001': 'Direct Network Flood',
  'T1498.002': 'Reflection Amplification',
  T1499: 'Endpoint Denial of Service',
  T1557: 'Adversary-in-the-Middle',
  'T1557.001': 'LLMNR/NBT-NS Poisoning and SMB Relay',
  'T1557.002': 'ARP Cache Poisoning',
  'T1557.003': 'DHCP Spoofing',
  T1566: 'Phishing',
  'T1566.001': 'Spearphishing Attachment',
  'T1566.002': 'Spearphishing Link',
  T1567: 'Exfiltration Over Web Service',
  T1568: 'Dynamic Resolution',
  'T1568.001': 'Fast Flux DNS',
  'T1568.002': 'Domain Generation Algorithms',
  'T1568.003': 'DNS Calculation',
  T1570: 'Lateral Tool Transfer',
  T1571: 'Non-Standard Port',
  T1572: 'Protocol Tunneling',
  T1573: 'Encrypted Channel',
  'T1573.001': 'Symmetric Cryptography',
  'T1573.002': 'Asymmetric Cryptography',
  T1595: 'Active Scanning',
  'T1595.001': 'Scanning IP Blocks',
  'T1595.002': 'Vulnerability Scanning',
};

export interface Technique {
  id: string;
  name?: string; /* "Application Layer Protocol: DNS" */
  page?: string; /* none: the id has not the form of one */
}

export function technique(id: string): Technique {
  const form = /^(T\d{4})(?:\.(\d{3}))?$/.exec(id);
  if (!form) {
    return { id };
  }
  const [, whole = '', part] = form;
  const page = `https://attack.mitre.org/techniques/${whole}/${part ? `${part}/` : ''}`;
  const name = [NAMES[whole], part && NAMES[id]].filter(Boolean).join(': ');
  return name ? { id, name, page } : { id, page };
}

/* Those that the server's summary of an incident names. */
export function summaryTechniques(said: Said | null | undefined): string[] {
  const listed = said?.code.match(/^incident\.(one|many)_techniques$/) ? said.values[2] : undefined;
  return typeof listed === 'string' ? listed.split(/[\s,]+/).filter(Boolean) : [];
}
